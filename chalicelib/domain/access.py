"""Who may do what: one table from roles to needs, and what a key is.

A key is `hr_<id>_<secret>`: 32 hexadecimal digits, and 43 letters and digits drawn at random (256 bits).
Stored is the plain SHA-256 of the whole text. That is enough, and right: stretching (bcrypt, scrypt) makes
guessing dear where people choose the secret, but 2^256 cannot be guessed at any price, and each request
would pay for it. Digests are compared in constant time.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from chalicelib.domain.errors import Forbidden, Unauthenticated
from headrace.contract.key_text import FORM
from headrace.contract.roles import Role

LONGEST = 200
"""Characters of a header that are looked at: a key has 79."""
_FORM = re.compile(FORM, re.ASCII)


class Need(StrEnum):
    """What a route asks of its caller."""

    NOTHING = "nothing"
    KEY = "a key"
    VIEW = "view"
    OPERATE = "operate"
    DEPLOY = "deploy"
    FETCH = "fetch code"
    WORK = "work"
    MANAGE = "manage keys"


_READER = frozenset({Need.NOTHING, Need.KEY, Need.VIEW})
GRANTS: dict[Role, frozenset[Need]] = {
    Role.ADMIN: frozenset(Need),
    Role.DEPLOYER: _READER | {Need.OPERATE, Need.DEPLOY, Need.FETCH},
    Role.OPERATOR: _READER | {Need.OPERATE},
    Role.VIEWER: _READER,
    Role.WORKER: frozenset({Need.NOTHING, Need.KEY, Need.WORK, Need.FETCH}),
}
"""What each role may do. There is no other place that knows."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is stored: without its secret."""

    id: UUID
    name: str
    role: Role
    digest: str = field(repr=False)
    created: datetime
    work_pool_name: str | None = None
    created_by: str | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        """Whether it has not expired."""
        return self.expires_at is None or now < self.expires_at


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose request it is. Without a key: somebody whom a control plane without keys lets do everything."""

    role: Role
    key: ApiKey | None = None

    @property
    def name(self) -> str | None:
        """What the key is called."""
        return self.key.name if self.key else None

    def may(self, need: Need) -> bool:
        """Whether the role has what a route needs."""
        return need in GRANTS[self.role]


ANYBODY = Caller(Role.ADMIN)
"""Who calls a control plane that asks for no keys."""
NOBODY = Caller(Role.VIEWER)
"""Who calls a route that needs nothing, with no key or any."""


def digest(text: str) -> str:
    """What is stored of a key."""
    return sha256(text.encode()).hexdigest()


def presented(authorization: str | None) -> str:
    """The key in an `Authorization` header. Raises `Unauthenticated` if there is none."""
    scheme, _, text = (authorization or "")[:LONGEST].strip().partition(" ")
    if not scheme:
        raise Unauthenticated(
            "This control plane asks for an API key, and the request has none.", code="no_key", hint=_HINT
        )
    if scheme.lower() != "bearer":
        raise Unauthenticated("Authorization must be `Bearer hr_...`.", code="no_key", hint=_HINT)
    return text.strip()


def key_id(text: str) -> UUID | None:
    """The id in a key's text; None for what is no key."""
    found = _FORM.fullmatch(text)
    return UUID(hex=found[1]) if found else None


def is_same_wish(found: ApiKey, wanted: ApiKey) -> bool:
    """Whether a key is what a repeated request to make it wants: the same secret, for the same purpose."""
    same = hmac.compare_digest(found.digest, wanted.digest)
    told = [(key.name, key.role, key.work_pool_name, key.expires_at) for key in (found, wanted)]
    return same and told[0] == told[1]


def check(key: ApiKey | None, text: str, now: datetime) -> ApiKey:
    """The key, if this is its text and it is alive. Raises `Unauthenticated`, without saying which was wrong.

    A key that is not there is compared, too, so that the time of an answer tells nothing.
    """
    same = hmac.compare_digest(digest(text), key.digest if key else _NO_DIGEST)
    if key is None or not same:
        raise unknown_key()
    if not key.is_live(now):
        text = f"The API key {key.name!r} has expired."
        raise Unauthenticated(text, code="key_expired", hint="Ask an admin for a new one: `headrace login`.")
    return key


def check_pool(caller: Caller, pool: str) -> None:
    """Raise `Forbidden` if the caller's key is bound to another pool."""
    bound = caller.key.work_pool_name if caller.key else None
    if bound is not None and pool != bound:
        text = f"This API key is for workers of pool {bound!r} only."
        raise Forbidden(text, code="wrong_pool", hint="Use the key that was made for this pool.")


def forbidden(caller: Caller, need: Need) -> Forbidden:
    """The error for a role that lacks what is needed: names both, and who has it."""
    able = ", ".join(role for role in Role if need in GRANTS[role])
    return Forbidden(
        f"This needs the right to {need.value}, which the role {caller.role.value} does not have.",
        code="role_forbids",
        hint=f"Use a key with one of the roles {able}.",
    )


def unknown_key() -> Unauthenticated:
    """The error for a key that is none of ours: misspelt, revoked, or of another control plane."""
    return Unauthenticated("The API key is not known here.", code="unknown_key", hint=_HINT)


_HINT = "`headrace login` stores a key, or set HEADRACE_API_KEY."
_NO_DIGEST = digest("")
