"""moto's table with writes that succeed or vanish as a whole, call by call.

Conditions, expressions and validation stay moto's; where items lie is decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.dynamodb import models
from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.models.dynamo_type import DynamoType

from headrace.local.aws.items import StoredItem
from headrace.local.aws.patch import Patch
from headrace.local.aws.queries import OrderedTable

ItemKey = tuple[DynamoType, DynamoType | None]


@dataclass(frozen=True, slots=True)
class Change:
    """One item before and after a call; None where it does not exist."""

    table: PartitionedTable
    key: ItemKey
    old: StoredItem | None
    new: StoredItem | None


class PartitionedTable(OrderedTable):
    """A table whose calls run between two states: the last settled one and the one being written."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._before: dict[ItemKey, StoredItem | None] = {}
        super().__init__(*args, **kwargs)

    def __deepcopy__(self, memo: dict[int, Any]) -> PartitionedTable:
        """The table itself: a transaction is rolled back by `undo`, not from a copy of everything."""
        return self

    def set_stream_specification(self, streams: dict[str, Any] | None) -> None:
        """Describe the stream, but record nothing: stock keeps every record for ever, read by nobody."""
        super().set_stream_specification(streams)
        self.stream_shard = None

    # --- writes -------------------------------------------------------------------------------------

    def put_item(self, item_attrs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """As in moto, after taking note of what was there."""
        if all(name in item_attrs for name in self.table_key_attrs):
            self._note(self._key_of(item_attrs))
        return super().put_item(item_attrs, *args, **kwargs)

    def delete_item(self, hash_key: DynamoType, range_key: DynamoType | None) -> Any:
        """As in moto, without leaving an empty partition behind."""
        key = (hash_key, range_key)
        self._note(key)
        item = self.peek(key)
        self._place(key, None)
        return item

    def get_item(
        self,
        hash_key: DynamoType,
        range_key: DynamoType | None = None,
        projection_expression: list[list[str]] | None = None,
    ) -> Any:
        """As in moto, without making an empty partition for every miss."""
        if self.has_range_key and not range_key:
            raise MockValidationException("Table has a range key, but no range key was passed into get_item")
        item = self.peek((hash_key, range_key))
        return item.project(projection_expression) if item and projection_expression else item

    def open_draft(self, key: dict[str, Any]) -> None:
        """Put a draft in the place of the item that an update is going to change in place."""
        if any(name not in key for name in self.table_key_attrs):
            return
        place = self._key_of(key)
        self._note(place)
        if item := self.peek(place):
            self._place(place, item.draft())

    def changes(self) -> list[Change]:
        """What the running call has written, sealed. Raises moto's validation errors."""
        found = []
        for key, old in self._before.items():
            new = self.peek(key)
            if new is old:
                continue
            if new is not None:
                self._check_index_keys(new)
                new.seal()
            found.append(Change(self, key, old, new))
        return found

    def settle(self, changes: list[Change]) -> None:
        """End the call: bring the indexes up to date with these changes."""
        for change in changes:
            for index in self.indexes_by_name.values():
                index.replace(change.old, change.new)
        self._before.clear()

    def undo(self) -> None:
        """End the call: put back everything that it found."""
        for key, old in self._before.items():
            self._place(key, old)
        self._before.clear()

    # --- storage ------------------------------------------------------------------------------------

    def peek(self, key: ItemKey) -> Any:
        """The item stored under a key, or None."""
        found = self.items.get(key[0])
        if found is None or key[1] is None:
            return found
        return found.get(key[1])

    def load(self, packed: bytes, raw: Mapping[str, Any]) -> None:
        """Add an item from disk, given its packed form and its keys; `sort_indexes` must follow."""
        key = self._key_of(raw)
        item = StoredItem.from_packed(*key, packed)
        self._place(key, item)
        self.load_indexes(raw, item)

    def _key_of(self, attrs: Mapping[str, Any]) -> ItemKey:
        hash_key = DynamoType(attrs[self.hash_key_attr])
        return hash_key, DynamoType(attrs[self.range_key_attr]) if self.range_key_attr else None

    def _note(self, key: ItemKey) -> None:
        if key not in self._before:
            self._before[key] = self.peek(key)

    def _place(self, key: ItemKey, item: StoredItem | None) -> None:
        hash_key, range_key = key
        if item is None:
            if range_key is None:
                self.items.pop(hash_key, None)
            elif (partition := self.items.get(hash_key)) is not None:
                partition.pop(range_key, None)
                if not partition:
                    del self.items[hash_key]
        elif range_key is None:
            self.items[hash_key] = item  # type: ignore[assignment] # a table without sort keys
        else:
            self.items[hash_key][range_key] = item

    def _check_index_keys(self, item: StoredItem) -> None:
        types = {definition["AttributeName"]: definition["AttributeType"] for definition in self.attr}
        for index in self.indexes_by_name.values():
            for name in index.key_attrs:
                value = item.attrs.get(name)
                if value is not None and value.type != types[name]:
                    raise MockValidationException(
                        "One or more parameter values were invalid: Type mismatch for Index Key "
                        f"{name} Expected: {types[name]} Actual: {value.type} IndexName: {index.name}"
                    )


def partitioned_queries() -> list[Patch]:
    """Stock walks over and sorts the whole table for each query. Lanes hold each partition in order."""
    return [Patch(models, "Table", PartitionedTable)]
