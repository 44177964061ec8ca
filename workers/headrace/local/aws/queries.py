"""Queries of a table by partition: a page costs the same at a hundred items and at a hundred thousand.

Stock moto answers every query by collecting and sorting all items of the table.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from typing import Any

from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import RESULT_SIZE_LIMIT, GlobalSecondaryIndex, SecondaryIndex, Table

from headrace.local.aws.items import StoredItem
from headrace.local.aws.lanes import Index, Lane, comparable

_CONDITIONS = ("hash_key_conditions", "range_key_conditions")


class OrderedTable(Table):
    """A table that keeps the partitions of itself and of its indexes in order."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.indexes_by_name: dict[str | None, Index] = {}
        self.indexed_names: tuple[str, ...] = ()
        self.reindex()

    def stored(self) -> Iterator[Any]:
        """All items, in no order."""
        for found in self.items.values():
            if self.has_range_key:
                yield from found.values()
            else:
                yield found

    def reindex(self) -> None:
        """Build all indexes anew, after a change of their definitions."""
        table_keys = list(self.table_key_attrs)
        self.indexes_by_name = {None: _index(None, table_keys, [])}
        for definition in self.all_indexes():
            keys = [key["AttributeName"] for key in definition.schema]
            if len(keys) <= 2:  # keys of several attributes are rare, and moto answers for them
                self.indexes_by_name[definition.name] = _index(definition.name, keys, table_keys)
        for item in self.stored():
            self.load_indexes(item.attrs, item)
        self.sort_indexes()
        self.indexed_names = tuple(dict.fromkeys(self.attribute_keys))

    def load_indexes(self, attrs: Mapping[str, Any], item: StoredItem) -> None:
        """Add one of many items to the indexes; `sort_indexes` must follow."""
        for index in self.indexes_by_name.values():
            index.load(attrs, item)

    def sort_indexes(self) -> None:
        """Order everything that `load_indexes` added."""
        for index in self.indexes_by_name.values():
            for lane in index.lanes.values():
                lane.sort()

    def query(  # type: ignore[override] # conditions that moto needs travel in `legacy`
        self,
        hash_key: DynamoType | None,
        range_comparison: str | None,
        range_objs: list[DynamoType],
        limit: int,
        exclusive_start_key: Any,
        scan_index_forward: bool,
        projection_expressions: list[list[str]] | None,
        index_name: str | None = None,
        consistent_read: bool = False,
        filter_expression: Any = None,
        **legacy: Any,
    ) -> tuple[list[Any], int, dict[str, Any] | None]:
        """A page of one partition. What only old clients send, and what is wrong, stays with moto."""
        index = self.indexes_by_name.get(index_name)
        definition = self.get_index(index_name) if index and index_name else None
        conditions = {name: legacy.pop(name, None) for name in _CONDITIONS}
        refused = consistent_read and isinstance(definition, GlobalSecondaryIndex)
        if index is None or hash_key is None or refused or legacy:
            return super().query(
                hash_key, range_comparison, range_objs, limit, exclusive_start_key, scan_index_forward,
                projection_expressions, index_name, consistent_read, filter_expression,
                **conditions, **legacy,
            )  # fmt: skip
        lane = index.lanes.get(comparable(hash_key)) or Lane()
        bounds = lane.bounds(range_comparison, [comparable(value) for value in range_objs])
        start = self._start(index, hash_key, exclusive_start_key)
        positions = _positions(lane, bounds, start, scan_index_forward)
        page, full = _page(lane, positions, limit)
        last = self._get_last_evaluated_key(page[-1], index_name) if full and page else None
        rows = _shaped(page, definition, filter_expression, projection_expressions)
        return rows, len(page), last

    def _start(self, index: Index, hash_key: DynamoType, key: dict[str, Any] | None) -> Any:
        if key is None:
            return None
        place = index.locate(key)
        if place is None:
            raise MockValidationException("The provided starting key is invalid")
        if place[0] != comparable(hash_key):
            raise MockValidationException("The provided starting key is outside query boundaries")
        return place[1]


def _index(name: str | None, keys: list[str], table_keys: list[str]) -> Index:
    """Rows of equal sort key are ordered by the table's keys, as moto orders them."""
    sort = dict.fromkeys([*(keys[1:] or table_keys[1:]), *table_keys])
    return Index(name, keys[0], tuple(sort), tuple(dict.fromkeys([*keys, *table_keys])))


def _positions(lane: Lane, bounds: tuple[int, int], start: Any, forward: bool) -> range:
    low, high = bounds
    if start is not None and forward:
        low = max(low, bisect_right(lane.keys, start))
    elif start is not None:
        high = min(high, bisect_left(lane.keys, start))
    return range(low, high) if forward else range(high - 1, low - 1, -1)


def _page(lane: Lane, positions: range, limit: int | None) -> tuple[list[StoredItem], bool]:
    """The items of a page, and whether it ended for being full (at the very end too, as AWS has it)."""
    page: list[StoredItem] = []
    size = 0
    for at in positions:
        item = lane.items[at]
        size += item.size()
        if size > RESULT_SIZE_LIMIT and page:
            return page, True
        page.append(item)
        if len(page) == limit:
            return page, True
    return page, False


def _shaped(
    page: list[StoredItem], index: SecondaryIndex | None, condition: Any, projection: list[list[str]] | None
) -> list[Any]:
    rows = [index.project(item) for item in page] if index else page
    if condition is not None:
        rows = [row for row in rows if condition.expr(row)]
    return [row.project(projection) for row in rows] if projection else rows
