"""Limits: each a set of the runs that hold it, never a counter, on an item of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from pynamodb.expressions.condition import Condition, size

from chalicelib.domain.eligibility import Slots
from chalicelib.storage import documents
from chalicelib.storage.documents import Transaction
from chalicelib.storage.table import Item


class SlotsStore:
    """Reads of limits, and the parts of a transaction that take and give back their slots."""

    def read(self, names: Iterable[str]) -> dict[str, Slots]:
        """Those of the named limits that exist, read consistently."""
        found = documents.get_many((_pk(name), "SLOTS") for name in names)
        return {slots.name: slots for slots in map(_value, found.values()) if slots}

    def set_maximum(self, name: str, maximum: int) -> None:
        """Make a limit, or change its maximum; who holds it stays."""
        write = Transaction()
        actions = [Item.maximum.set(maximum), Item.lane.set("CATALOGUE#LIMIT"), Item.lane_at.set(name)]
        write.update(Item(_pk(name), "SLOTS"), actions)
        write.commit()

    def remove(self, name: str) -> None:
        """Nothing is held back by it any more. Who holds it stays known, in case it is made again."""
        write = Transaction()
        write.update(
            Item(_pk(name), "SLOTS"), [Item.maximum.remove(), Item.lane.remove(), Item.lane_at.remove()]
        )
        write.commit()

    def names(self, prefix: str = "", after: str | None = None, limit: int = 200) -> tuple[list[str], bool]:
        """Names of limits in order."""
        low = f"{after}\x00" if after else (prefix or " ")
        high = f"{prefix}\U0010ffff"
        page = documents.index_page(Item.lane_index, "CATALOGUE#LIMIT", low=low, high=high, limit=limit)
        return [name for _, name in page.rows], page.more

    def drop(self, name: str, runs: Sequence[UUID]) -> None:
        """Take holders out: their runs are over."""
        write = Transaction()
        actions = [Item.holders.delete({run.bytes for run in runs})]
        write.update(Item(_pk(name), "SLOTS"), actions, Item.maximum.exists())
        write.commit()


def take(write: Transaction, name: str, run: UUID) -> None:
    """Within a claim: hold a slot if there is one, or if the run holds it already."""
    write.update(Item(_pk(name), "SLOTS"), [Item.holders.add({run.bytes})], _room_for(run))


def hold(write: Transaction, name: str, run: UUID) -> None:
    """Within the write that has a run hold a limit that was made while it was active."""
    write.update(Item(_pk(name), "SLOTS"), [Item.holders.add({run.bytes})], Item.maximum.exists())


def give_back(write: Transaction, name: str, run: UUID) -> None:
    """Within the write that ends or releases a run; harmless when the limit is gone meanwhile."""
    write.update(Item(_pk(name), "SLOTS"), [Item.holders.delete({run.bytes})])


def _room_for(run: UUID) -> Condition:
    empty = Item.holders.does_not_exist() & (Item.maximum > 0)
    fewer: Condition = size(Item.holders) < Item.maximum  # type: ignore[no-untyped-call]
    room: Condition = Item.maximum.exists() & (Item.holders.contains(run.bytes) | empty | fewer)
    return room


def _value(item: Item) -> Slots | None:
    if item.maximum is None:
        return None
    holders = frozenset(UUID(bytes=bytes(run)) for run in item.holders or ())
    return Slots(item.pk.removeprefix("SLOTS#"), int(item.maximum), holders)


def _pk(name: str) -> str:
    return f"SLOTS#{name}"
