"""API keys: one item each, without its secret."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from chalicelib.domain.access import ApiKey
from chalicelib.storage import documents
from chalicelib.storage.documents import Codec, Key
from chalicelib.storage.table import Item
from headrace.contract.roles import Role

CATALOGUE = "CATALOGUE#KEY"
SHOWN_AFTER_EXPIRY = timedelta(days=30)
"""An expired key is of no use any more, but is listed for a while, so that people see what became of it."""
_KEY = Codec(ApiKey)


class KeyStore:
    """Reads and writes of keys. In the catalogue they are ordered by role, then name."""

    def read(self, key: UUID) -> ApiKey | None:
        """A key by id, read consistently: a new one works at once."""
        item = documents.get(_key(key))
        return _KEY.load(item.doc) if item else None

    def create(self, key: ApiKey) -> bool:
        """A new key. False if there is one of that id."""
        return documents.put_new(_item(key))

    def note_use(self, key: ApiKey) -> bool:
        """Write when a key was last used. False if it was revoked meanwhile: then it stays so."""
        return documents.put(_item(key), Item.pk.exists())

    def delete(self, key: UUID) -> bool:
        """Revoke a key. False if there is none."""
        return documents.delete(_key(key), Item.pk.exists())

    def page(
        self, after: str | None, limit: int, role: Role | None = None
    ) -> tuple[list[tuple[UUID, str]], bool]:
        """(id, place in the catalogue) of keys, of one role or of all; whether more may follow."""
        prefix = f"{role.value}#" if role else ""
        low, high = f"{after}\x00" if after else (prefix or " "), f"{prefix}\U0010ffff"
        page = documents.index_page(Item.lane_index, CATALOGUE, low=low, high=high, limit=limit)
        return [(UUID(pk.removeprefix("KEY#")), place) for (pk, _), place in page.rows], page.more

    def read_many(self, keys: list[UUID]) -> list[ApiKey]:
        """Keys by id; those that do not exist are left out."""
        return [_KEY.load(item.doc) for item in documents.get_many(map(_key, keys)).values()]


def _key(key: UUID) -> Key:
    return f"KEY#{key}", "KEY"


def _item(key: ApiKey) -> Item:
    return Item(
        *_key(key.id),
        lane=CATALOGUE,
        lane_at=f"{key.role.value}#{key.name}#{key.id}",
        doc=_KEY.dump(key),
        expires_at=key.expires_at + SHOWN_AFTER_EXPIRY if key.expires_at else None,
    )
