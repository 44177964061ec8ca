"""Sessions of workers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.domain.errors import Unavailable
from chalicelib.domain.pools import Session
from chalicelib.storage import documents
from chalicelib.storage.documents import Codec
from chalicelib.storage.table import Item

_SESSION = Codec(Session)
TRIES = 8
FEW = 20
"""Sessions of a pool that are read at once, by key alone, to find neighbours among them."""
KEPT_AFTER_CLOSE = timedelta(days=2)


class SessionStore:
    """Reads and conditional writes of sessions. In the catalogue of its pool until it is wound up."""

    def read(self, session: UUID, consistent: bool = True) -> tuple[Session, int] | None:
        """A session and the revision of its item."""
        item = documents.get((_pk(session), "SESSION"), consistent)
        return (_SESSION.load(item.doc), int(item.rev)) if item else None

    def create(self, session: Session) -> bool:
        """A new session. False if it exists."""
        return documents.put_new(_item(session, 1))

    def write(self, session: Session, before: int, now: datetime) -> bool:
        """Write a session over its revision `before`. False if somebody else was faster."""
        return documents.replace(_item(session, before + 1, now), before)

    def change(
        self, session: UUID, now: datetime, how: Callable[[Session], Session | None]
    ) -> Session | None:
        """Read, decide and write until nobody is in between. None if there is no such session or nothing to do."""
        for _ in range(TRIES):
            found = self.read(session)
            if found is None:
                return None
            changed = how(found[0])
            if changed is None:
                return None
            if self.write(changed, found[1], now):
                return changed
        raise Unavailable(
            "The worker's session is being changed by many at once.", code="busy", hint="Try again."
        )

    def open_ids(self, pool: str | None = None) -> list[tuple[str, UUID]]:
        """(pool, id) of all sessions that are open or not wound up yet, of one pool or of all."""
        low, high = (f"{pool}/", f"{pool}/~") if pool is not None else (" ", "\U0010ffff")
        found = documents.whole_index(Item.lane_index, "CATALOGUE#SESSION", low=low, high=high)
        rows = [text.rpartition("/") for _, text in found]
        return [(name, UUID(identity)) for name, _, identity in rows]

    def next_ids(self, session: Session, most: int) -> list[UUID]:
        """The open sessions of its pool that follow this one by id; after the last one comes the first."""
        pool, own = session.work_pool_name, session.id
        first = _few(f"{pool}/", pool, FEW)
        after = [identity for identity in first if str(identity) > str(own)]
        if len(first) == FEW:
            after = _few(f"{pool}/{own}\x00", pool, most)
        return [identity for identity in dict.fromkeys([*after, *first]) if identity != own][:most]

    def read_many(self, ids: list[UUID]) -> list[Session]:
        """Sessions by id, read consistently; those that do not exist are left out."""
        found = documents.get_many((_pk(session), "SESSION") for session in ids)
        return [_SESSION.load(item.doc) for item in found.values()]


def _few(low: str, pool: str, limit: int) -> list[UUID]:
    page = documents.index_page(Item.lane_index, "CATALOGUE#SESSION", low=low, high=f"{pool}/~", limit=limit)
    return [UUID(text.rpartition("/")[2]) for _, text in page.rows]


def _pk(session: UUID) -> str:
    return f"SESSION#{session}"


def _item(session: Session, revision: int, now: datetime | None = None) -> Item:
    item = Item(_pk(session.id), "SESSION", rev=revision, doc=_SESSION.dump(session))
    if session.is_open or session.held or session.control_queue_url:
        item.lane, item.lane_at = "CATALOGUE#SESSION", f"{session.work_pool_name}/{session.id}"
    elif now is not None and not session.held:
        item.expires_at = now + KEPT_AFTER_CLOSE
    return item
