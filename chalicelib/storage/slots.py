"""Limits: each a set of the runs that hold it, never a counter, on an item of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from pynamodb.expressions.condition import Condition, size
from pynamodb.expressions.update import Action

from chalicelib.domain.deployments import ScheduleRecord
from chalicelib.domain.limits import Slots, schedule_limit
from chalicelib.domain.names import stamp, unstamp
from chalicelib.storage import documents
from chalicelib.storage.documents import Transaction
from chalicelib.storage.table import Item

REMOVED = "CATALOGUE#REMOVED"


class SlotsStore:
    """Reads of limits, and the parts of a transaction that take and give back their slots."""

    def read(self, names: Iterable[str]) -> dict[str, Slots]:
        """Those of the named limits that exist, read consistently."""
        found = documents.get_many((_pk(name), "SLOTS") for name in names)
        return {slots.name: slots for slots in map(_value, found.values()) if slots}

    def make(self, name: str, maximum: int, key: str | None = None) -> bool:
        """Make a limit, by a request of that key; who held it before it was removed stays. False if there is one."""
        write = Transaction()
        write.update(Item(_pk(name), "SLOTS"), _made(name, maximum, key), Item.maximum.does_not_exist())
        return write.commit()

    def change(self, name: str, maximum: int) -> bool:
        """Give a limit another maximum; who holds it stays. False if there is none of that name."""
        write = Transaction()
        write.update(Item(_pk(name), "SLOTS"), _made(name, maximum), Item.maximum.exists())
        return write.commit()

    def remove(self, name: str) -> None:
        """Nothing is held back by it any more. Who holds it stays known, in case it is made again."""
        write = Transaction()
        declare(write, {name: None})
        write.commit()

    def remove_of(self, schedule: ScheduleRecord) -> None:
        """Its runs are not kept apart any more. Unless the schedule was changed again: then that decides."""
        write = Transaction()
        declare(write, {schedule_limit(schedule.deployment_id, schedule.slug): None})
        key = (f"DEPLOYMENT#{schedule.deployment_id}", f"SCHEDULE#{schedule.slug}")
        write.check(key, Item.rev == schedule.revision)
        write.commit()

    def removed(self) -> list[tuple[str, datetime]]:
        """Limits lifted lately, and since when; until `forget`, runs may wait for them."""
        rows = documents.whole_index(Item.lane_index, REMOVED)
        places = [place.partition("#") for _, place in rows]
        return [(name, unstamp(moment)) for moment, _, name in places]

    def forget(self, name: str) -> None:
        """No run waits for this removed limit any more. Unless it was made again."""
        write = Transaction()
        actions = [Item.lane.remove(), Item.lane_at.remove()]
        write.update(Item(_pk(name), "SLOTS"), actions, Item.maximum.does_not_exist())
        write.commit()

    def names(self, prefix: str = "", after: str | None = None, limit: int = 200) -> tuple[list[str], bool]:
        """Names of limits in order."""
        low = f"{after}\x00" if after else (prefix or " ")
        high = f"{prefix}\U0010ffff"
        page = documents.index_page(Item.lane_index, "CATALOGUE#LIMIT", low=low, high=high, limit=limit)
        return [name for _, name in page.rows], page.more

    def drop(self, name: str, run: UUID, revision: int | None) -> None:
        """Take a holder out whose run does not hold it, if the run is still of that revision (None: gone).

        Without that condition a run that was claimed again in between would lose the slot it has just taken.
        """
        write = Transaction()
        write.update(Item(_pk(name), "SLOTS"), [Item.holders.delete({run.bytes})])
        expected = Item.pk.does_not_exist() if revision is None else Item.rev == revision
        write.check((f"RUN#{run}", "RUN"), expected)
        write.commit()


def declare(write: Transaction, limits: Mapping[str, int | None]) -> None:
    """Within the write of what is limited: these limits have these maxima, or (None) are removed."""
    for name, maximum in limits.items():
        actions = _removed(name) if maximum is None else _made(name, maximum)
        write.update(Item(_pk(name), "SLOTS"), actions)


def _made(name: str, maximum: int, key: str | None = None) -> list[Action]:
    made_by = [Item.doc.set(key)] if key else []
    return [Item.maximum.set(maximum), *made_by, Item.lane.set("CATALOGUE#LIMIT"), Item.lane_at.set(name)]


def _removed(name: str) -> list[Action]:
    place = f"{stamp(documents.now())}#{name}"
    return [Item.maximum.remove(), Item.doc.remove(), Item.lane.set(REMOVED), Item.lane_at.set(place)]


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
    return Slots(item.pk.removeprefix("SLOTS#"), int(item.maximum), holders, item.doc)


def _pk(name: str) -> str:
    return f"SLOTS#{name}"
