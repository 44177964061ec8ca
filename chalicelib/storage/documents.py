"""Values of the domain as JSON documents of items, and the basic reads and conditional writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pynamodb.expressions.condition import Condition
from pynamodb.indexes import GlobalSecondaryIndex
from pynamodb.transactions import TransactWrite

from chalicelib.storage import schema
from chalicelib.storage.seam import LostRace, seam
from chalicelib.storage.table import Item

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Key = tuple[str, str]
WHOLE_PAGE = 1000
T = TypeVar("T")


class Codec(Generic[T]):
    """A dataclass to and from JSON text. Fields at their default are left out; unknown ones are ignored."""

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind

    @cached_property
    def _adapter(self) -> TypeAdapter[T]:
        # Built at the first record of its kind: a tick that finds nothing to do never loads pydantic.
        from pydantic import TypeAdapter

        return TypeAdapter(self._kind)

    def dump(self, value: T, leave_out: set[str] | None = None) -> str:
        """As JSON text."""
        return self._adapter.dump_json(value, exclude_defaults=True, exclude=leave_out).decode()

    def load(self, text: str | None) -> T:
        """From JSON text."""
        return self._adapter.validate_json(text or "{}")


@dataclass(frozen=True, slots=True)
class IndexPage:
    """Keys from an index with their sort text, in order; `more` says that others may follow."""

    rows: Sequence[tuple[Key, str]]
    more: bool


def get(key: Key, consistent: bool = True) -> Item | None:
    """One item, or None; an expired one counts as gone."""
    with seam():
        try:
            return _alive(Item.get(*key, consistent_read=consistent))
        except Item.DoesNotExist:
            return None


def get_many(keys: Iterable[Key], consistent: bool = True) -> dict[Key, Item]:
    """Several items by key, in the order asked for; those that do not exist are left out."""
    wanted = list(dict.fromkeys(keys))
    if not wanted:
        return {}
    with seam():
        found = {(item.pk, item.sk): item for item in Item.batch_get(wanted, consistent_read=consistent)}
    return {key: found[key] for key in wanted if key in found and _alive(found[key])}


def partition(
    pk: str,
    between: tuple[str, str],
    *,
    consistent: bool = True,
    forward: bool = True,
    limit: int | None = None,
) -> list[Item]:
    """Items of one partition whose sort key lies between two texts, both included."""
    return partition_page(pk, between, consistent=consistent, forward=forward, limit=limit)[0]


def partition_page(
    pk: str,
    between: tuple[str, str],
    *,
    consistent: bool = True,
    forward: bool = True,
    limit: int | None = None,
) -> tuple[list[Item], str | None]:
    """The same, and the last sort key looked at if others may follow: expired items count for the limit, too."""
    with seam():
        found = list(
            Item.query(
                pk,
                Item.sk.between(*between),
                consistent_read=consistent,
                scan_index_forward=forward,
                limit=limit,
            )
        )
        last = found[-1].sk if limit is not None and len(found) == limit else None
        return [item for item in found if _alive(item)], last


def index_page(
    index: GlobalSecondaryIndex[Item],
    value: str,
    *,
    low: str = " ",
    high: str = "\U0010ffff",
    forward: bool = True,
    limit: int,
) -> IndexPage:
    """A page of one of the table's indexes: keys whose sort text lies between `low` and `high`, both included."""
    names = _INDEX_ATTRIBUTES[index.Meta.index_name or ""]
    sort = getattr(Item, names[1])
    with seam():
        found = list(index.query(value, sort.between(low, high), scan_index_forward=forward, limit=limit))
    rows = [((item.pk, item.sk), str(getattr(item, names[1]))) for item in found]
    return IndexPage(rows, more=len(rows) == limit)


def beyond(last: str, low: str, high: str, forward: bool) -> tuple[str, str]:
    """Bounds for what comes after a sort text on the way from `low` to `high`, or backward from `high`."""
    return (f"{last}\x00", high) if forward else (low, f"{last[:-1]}{chr(ord(last[-1]) - 1)}~")


def whole_index(
    index: GlobalSecondaryIndex[Item], value: str, *, low: str = " ", high: str = "\U0010ffff"
) -> list[tuple[Key, str]]:
    """All keys of a small collection, page by page."""
    rows: list[tuple[Key, str]] = []
    while True:
        page = index_page(index, value, low=low, high=high, limit=WHOLE_PAGE)
        rows += page.rows
        if not page.more:
            return rows
        low = f"{page.rows[-1][1]}\x00"


_INDEX_ATTRIBUTES = {
    "lane": ("lane", "lane_at"),
    "history": ("history", "history_at"),
    "day": ("day", "day_at"),
}


def put(item: Item, condition: Condition | None = None) -> bool:
    """Write an item whole. False if the condition did not hold."""
    try:
        with seam():
            item.save(condition=condition)
    except LostRace:
        return False
    return True


def put_new(item: Item) -> bool:
    """Write an item that must not exist yet. False if it does."""
    return put(item, absent())


def absent() -> Condition:
    """The condition that there is no such item, as every read sees it: one that has expired counts as gone."""
    gone: Condition = Item.pk.does_not_exist() | (Item.expires_at <= now())
    return gone


def replace(item: Item, revision: int) -> bool:
    """Write an item over the one of that revision. False if somebody else was faster."""
    return put(item, Item.rev == revision)


def delete(key: Key, condition: Condition | None = None) -> bool:
    """Delete an item. False if the condition did not hold."""
    try:
        with seam():
            Item(*key).delete(condition=condition)
    except LostRace:
        return False
    return True


class Transaction:
    """Several conditional writes that happen together or not at all."""

    def __init__(self) -> None:
        self._steps: list[tuple[str, dict[str, Any]]] = []

    def put(self, item: Item, condition: Condition | None = None) -> None:
        """Write an item whole."""
        self._steps.append(("save", {"model": item, "condition": condition}))

    def update(self, item: Item, actions: list[Any], condition: Condition | None = None) -> None:
        """Change attributes of an item."""
        self._steps.append(("update", {"model": item, "actions": actions, "condition": condition}))

    def delete(self, item: Item, condition: Condition | None = None) -> None:
        """Delete an item."""
        self._steps.append(("delete", {"model": item, "condition": condition}))

    def check(self, key: Key, condition: Condition) -> None:
        """Demand that an item is so, without changing it."""
        names = {"model_cls": Item, "hash_key": key[0], "range_key": key[1], "condition": condition}
        self._steps.append(("condition_check", names))

    def commit(self) -> bool:
        """Do all of it. False if a condition did not hold; then nothing was changed."""
        try:
            with seam(), TransactWrite(connection=Item._get_connection().connection) as write:
                for verb, arguments in self._steps:
                    getattr(write, verb)(**arguments)
        except LostRace:
            return False
        return True


def _alive(item: Item) -> Item | None:
    """DynamoDB deletes expired items days late, so every read filters them (AWS, TTL developer guide).

    Raises `Unavailable` for an item in a form that this release does not know.
    """
    schema.check(item.v)
    if item.expires_at is not None and item.expires_at <= now():
        return None
    return item


def now() -> datetime:
    """The time by the clock that the composition root gave."""
    return _clock[0]()


def use_clock(clock: Callable[[], datetime]) -> None:
    """Have expired items told by this clock."""
    _clock[0] = clock


_clock: list[Callable[[], datetime]] = [lambda: datetime.now(UTC)]
