"""Variables, each an item of its own; the catalogue lists their names in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from chalicelib.domain.variables import Variable
from chalicelib.storage import documents
from chalicelib.storage.documents import Codec
from chalicelib.storage.table import Item

_VARIABLE = Codec(Variable)
_LANE = "CATALOGUE#VARIABLE"


class VariableStore:
    """Reads and conditional writes of variables."""

    def read(self, variable: UUID) -> Variable | None:
        """A variable by id."""
        item = documents.get(_key(variable))
        return replace(_VARIABLE.load(item.doc), revision=int(item.rev)) if item else None

    def read_many(self, ids: Sequence[UUID]) -> list[Variable]:
        """Variables by id, in this order; those that do not exist are left out."""
        found = documents.get_many(_key(variable) for variable in ids)
        return [_VARIABLE.load(found[_key(one)].doc) for one in ids if _key(one) in found]

    def create(self, variable: Variable) -> bool:
        """A new one. False if there is one of that name."""
        return documents.put_new(_item(variable))

    def write(self, variable: Variable) -> bool:
        """Over the one of the revision before. False if somebody else was faster."""
        return documents.replace(_item(variable), variable.revision - 1)

    def delete(self, variable: UUID) -> bool:
        """Delete it. False if there is none."""
        return documents.delete(_key(variable), Item.pk.exists())

    def names(self, after: str | None, limit: int) -> tuple[list[str], bool]:
        """Names in order, after one of them, and whether more may follow."""
        low = f"{after}\x00" if after else " "
        page = documents.index_page(Item.lane_index, _LANE, low=low, limit=limit)
        return [name for _, name in page.rows], page.more


def _key(variable: UUID) -> tuple[str, str]:
    return f"VARIABLE#{variable}", "VARIABLE"


def _item(variable: Variable) -> Item:
    pk, sk = _key(variable.id)
    return Item(
        pk, sk, rev=variable.revision, lane=_LANE, lane_at=variable.name, doc=_VARIABLE.dump(variable)
    )
