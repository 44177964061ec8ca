"""A partition of a table or index, kept in order: a query reads its page and nothing else."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from operator import itemgetter
from typing import Any

SortKey = tuple[Any, ...]

_first = itemgetter(0)


@dataclass(slots=True)
class Lane:
    """Items of one partition in the order of their sort keys. Both lists change together."""

    keys: list[SortKey] = field(default_factory=list)
    items: list[Any] = field(default_factory=list)

    def put(self, key: SortKey, item: Any) -> None:
        """Add the item, or put it in the place of the one with that key."""
        at = bisect_left(self.keys, key)
        if at < len(self.keys) and self.keys[at] == key:
            self.items[at] = item
            return
        self.keys.insert(at, key)
        self.items.insert(at, item)

    def remove(self, key: SortKey) -> None:
        """Take the item with that key out."""
        at = bisect_left(self.keys, key)
        if at < len(self.keys) and self.keys[at] == key:
            del self.keys[at]
            del self.items[at]

    def sort(self) -> None:
        """Order what `load` put at the end."""
        order = sorted(range(len(self.keys)), key=self.keys.__getitem__)
        self.keys = [self.keys[at] for at in order]
        self.items = [self.items[at] for at in order]

    def bounds(self, comparison: str | None, values: Sequence[Any]) -> tuple[int, int]:
        """First position and end of the rows whose first sort value meets the comparison."""
        if comparison is None:
            return 0, len(self.keys)
        return _BOUNDS[comparison](self.keys, *values)


def _left(keys: list[SortKey], value: Any) -> int:
    return bisect_left(keys, value, key=_first)


def _right(keys: list[SortKey], value: Any) -> int:
    return bisect_right(keys, value, key=_first)


def _prefixed(keys: list[SortKey], prefix: Any) -> tuple[int, int]:
    length = len(prefix)
    start = _left(keys, prefix)
    return start, bisect_right(keys, prefix, lo=start, key=lambda key: key[0][:length])


_BOUNDS: Mapping[str, Callable[..., tuple[int, int]]] = {
    "=": lambda keys, value: (_left(keys, value), _right(keys, value)),
    "<": lambda keys, value: (0, _left(keys, value)),
    "<=": lambda keys, value: (0, _right(keys, value)),
    ">": lambda keys, value: (_right(keys, value), len(keys)),
    ">=": lambda keys, value: (_left(keys, value), len(keys)),
    "BETWEEN": lambda keys, low, high: (_left(keys, low), max(_left(keys, low), _right(keys, high))),
    "BEGINS_WITH": _prefixed,
}


def comparable(value: Any) -> Any:
    """The value of a key as Python compares it, from moto's value or from its JSON."""
    kind, content = next(iter(value.items())) if type(value) is dict else (value.type, value.value)
    return Decimal(content) if kind == "N" else content


@dataclass(slots=True)
class Index:
    """The lanes of one table (name `None`) or secondary index."""

    name: str | None
    hash_attr: str
    sort_attrs: tuple[str, ...]
    key_attrs: tuple[str, ...]
    lanes: dict[Any, Lane] = field(default_factory=dict)

    def locate(self, attrs: Mapping[str, Any]) -> tuple[Any, SortKey] | None:
        """Partition and sort key of an item with these attributes; None if it is not in this index."""
        try:
            return comparable(attrs[self.hash_attr]), tuple(
                [comparable(attrs[name]) for name in self.sort_attrs]
            )
        except KeyError:
            return None

    def load(self, attrs: Mapping[str, Any], item: Any) -> None:
        """Add one of many items; the lanes must be sorted before they are read."""
        if place := self.locate(attrs):
            lane = self.lanes.setdefault(place[0], Lane())
            lane.keys.append(place[1])
            lane.items.append(item)

    def replace(self, old: Any | None, new: Any | None) -> None:
        """Follow one write: `old` is what was stored before, `new` what is stored now."""
        before = self.locate(old.attrs) if old is not None else None
        after = self.locate(new.attrs) if new is not None else None
        if before and before != after:
            lane = self.lanes[before[0]]
            lane.remove(before[1])
            if not lane.keys:
                del self.lanes[before[0]]
        if after:
            self.lanes.setdefault(after[0], Lane()).put(after[1], new)
