"""Who calls: keys made, shown, revoked, and recognised."""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from chalicelib.domain import access
from chalicelib.domain.access import ANYBODY, ApiKey, Caller
from chalicelib.domain.errors import Conflict, FieldProblem, HeadraceError, Invalid, NotFound
from chalicelib.services.pages import pages
from chalicelib.services.ports import Ports
from chalicelib.services.workers import no_pool
from headrace.contract.key_text import draw
from headrace.contract.roles import Role

log = logging.getLogger("headrace.access")

REMEMBERED_FOR = timedelta(seconds=60)
"""How long a key is trusted without being read again: a revocation takes effect everywhere within this."""
REMEMBERED = 1000
"""Keys in memory."""
USE_NOTED_EVERY = timedelta(hours=1)
FIRST_KEY = "first admin key"
PAGE = 100


class Access:
    """Use cases of API keys."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._known: OrderedDict[UUID, tuple[ApiKey, datetime]] = OrderedDict()
        self._revoked: dict[UUID, datetime] = {}

    def identify(self, authorization: str | None) -> Caller:
        """Whose request it is, by its `Authorization` header. Raises `Unauthenticated`.

        A key that was read within the last minute costs nothing; any other one a read of its item.
        """
        if not self._ports.settings.require_keys:
            return ANYBODY
        text = access.presented(authorization)
        key_id = access.key_id(text)
        if key_id is None:
            raise access.unknown_key()
        now = self._ports.clock()
        key = access.check(self._remembered(key_id, now), text, now)
        self._note_use(key, now)
        return Caller(key.role, key)

    def create(
        self,
        name: str,
        role: Role,
        *,
        work_pool_name: str | None = None,
        expires_at: datetime | None = None,
        created_by: str | None = None,
        text: str | None = None,
    ) -> tuple[ApiKey, str, bool]:
        """A new key, its whole text, and whether it was made: the only time that the text is told.

        `text` is a key that the caller has drawn: the same wish with it again finds the key (False).
        Raises `Conflict` if that is another one's.
        """
        now = self._ports.clock()
        self._check(role, work_pool_name, expires_at, now)
        text = text or draw(uuid4())
        key = ApiKey(
            id=access.key_id(text) or uuid4(),
            name=name,
            role=role,
            digest=access.digest(text),
            created=now,
            work_pool_name=work_pool_name,
            created_by=created_by,
            expires_at=expires_at,
        )
        if self._ports.api_keys.create(key):
            return key, text, True
        found = self.read(key.id)
        if not access.is_same_wish(found, key):
            raise Conflict("There is an API key of this id already.", hint="Draw another key.")
        return found, text, False

    def first_admin(self, *, anew: bool = False) -> str | None:
        """The whole text of a new admin key, if there is no living one yet; else None.

        For whoever sets a control plane up (`headrace server start`, `headrace cloud up`): by the rights on
        its table, not by a key. `anew` makes one in any case: the way back in when the last key was lost.
        """
        if not anew and self._living_admins(self._ports.clock()):
            return None
        return self.create(FIRST_KEY, Role.ADMIN)[1]

    def read(self, key: UUID) -> ApiKey:
        """A key by id. Raises `NotFound`."""
        found = self._ports.api_keys.read(key)
        if found is None:
            raise NotFound(f"There is no API key {key}.", hint="`headrace api-key ls` lists them.")
        return found

    def page(self, after: str | None, limit: int, skip: int = 0) -> tuple[list[ApiKey], str | None]:
        """A page of keys by role and name, and where to go on."""
        rows, more = self._ports.api_keys.page(after, skip + limit)
        found = {key.id: key for key in self._ports.api_keys.read_many([key for key, _ in rows[skip:]])}
        keys = [found[key] for key, _ in rows if key in found]
        return keys, rows[-1][1] if more and rows else None

    def revoke(self, key: UUID, *, last: bool = False) -> None:
        """Take a key back. Here it ends at once, in other processes within a minute.

        Raises `Conflict` for the last living admin key unless `last` says that this is meant.
        """
        found = self.read(key)
        if not last and self._is_last_admin(found):
            raise Conflict(
                f"{found.name!r} is the last admin key: without it nobody can make another one.",
                code="last_admin_key",
                hint="Make another admin key first, or say that you mean it: --yes.",
            )
        self._ports.api_keys.delete(key)
        self._forget(key)

    def revoke_named(self, name: str, role: Role) -> None:
        """Take back all keys of a role that have this name."""
        for key in self._all(role):
            if key.name == name:
                self.revoke(key.id)

    def _check(self, role: Role, pool: str | None, expires_at: datetime | None, now: datetime) -> None:
        if (role is Role.WORKER) != (pool is not None):
            text = "must name the pool of its workers" if pool is None else "belongs to the role worker alone"
            raise _bad("work_pool_name", text, "a pool" if pool is None else "null")
        if pool is not None and self._ports.pools.pool(pool) is None:
            raise no_pool(pool)
        if expires_at is not None and expires_at <= now:
            raise _bad("expires_at", "lies in the past", "a later time")

    def _remembered(self, key: UUID, now: datetime) -> ApiKey | None:
        known = self._known.get(key)
        if known is not None and timedelta(0) <= now - known[1] < REMEMBERED_FOR:
            return known[0]
        found = self._ports.api_keys.read(key)
        if found is None:
            self._known.pop(key, None)  # nothing is remembered of what does not exist: it costs memory
            return None
        self._remember(found, now)
        return found

    def _remember(self, key: ApiKey, now: datetime) -> None:
        self._known[key.id] = (key, now)
        revoked = self._revoked.get(key.id)
        if (
            revoked is not None and now - revoked < REMEMBERED_FOR
        ):  # by another thread, since this one read it
            self._known.pop(key.id, None)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def _forget(self, key: UUID) -> None:
        """A request that has read the key before must not bring it back: of what is revoked nothing is kept."""
        now = self._ports.clock()
        for other, at in list(self._revoked.items()):
            if now - at >= REMEMBERED_FOR:
                self._revoked.pop(other, None)
        self._revoked[key] = now
        self._known.pop(key, None)

    def _note_use(self, key: ApiKey, now: datetime) -> None:
        """At most once an hour. That it was used matters less than the request: a failure is only logged."""
        if key.last_used_at is not None and now - key.last_used_at < USE_NOTED_EVERY:
            return
        used = replace(key, last_used_at=now)
        try:
            noted = self._ports.api_keys.note_use(used)
        except HeadraceError as error:
            log.warning("the use of API key %s was not noted: %s", key.id, error.message)
            noted = True  # the next hour will do
        if noted:
            known = self._known.get(key.id)
            self._remember(used, known[1] if known else now)

    def _is_last_admin(self, key: ApiKey) -> bool:
        now = self._ports.clock()
        if key.role is not Role.ADMIN or not key.is_live(now):
            return False
        return all(other.id == key.id for other in self._living_admins(now))

    def _living_admins(self, now: datetime) -> list[ApiKey]:
        return [key for key in self._all(Role.ADMIN) if key.is_live(now)]

    def _all(self, role: Role) -> list[ApiKey]:
        store = self._ports.api_keys
        found = pages(lambda after: store.page(after, PAGE, role))
        return [key for rows in found for key in store.read_many([identity for identity, _ in rows])]


def _bad(member: str, what: str, expected: str) -> Invalid:
    return Invalid(f"{member}: {what}.", errors=[FieldProblem(member, what, expected)])
