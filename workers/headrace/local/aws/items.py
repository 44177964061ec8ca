"""Items of a table: sealed once written, so they need no copies; packed as JSON, unpacked while in use.

moto copies items deeply on every read and update, because it changes them in place; it also measures an
item anew for each attribute that is set, and remembers every object it ever made. Here a stored item never
changes: an update works on a draft, which takes the item's place when the call succeeds.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from moto.core.common_models import BaseModel
from moto.dynamodb import models
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models import dynamo_type, table
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict

from headrace.local.aws.patch import Patch
from headrace.local.aws.wire import decode, encode

UNPACKED_ITEMS = 4_000
"""How many sealed items are kept unpacked: about 20 MB at 1 KB an item. Others are unpacked on use."""

MAX_ITEM_BYTES = 405_000
"""moto's own measure of AWS's 400 KB."""

_CONTAINERS = frozenset({"L", "M", "SS", "NS", "BS"})
_unpacked: deque[StoredItem] = deque()


class StoredItem(Item):
    """An item that is open while a call builds it, and sealed (packed, unchangeable) from then on."""

    def __init__(self, hash_key: Any, range_key: Any, attrs: Mapping[str, Any]) -> None:
        self.hash_key = hash_key
        self.range_key = range_key
        self._packed: bytes | None = None
        self._size: int | None = None
        self._attrs: Any = _attributes(attrs)

    @classmethod
    def from_packed(cls, hash_key: Any, range_key: Any, packed: bytes) -> StoredItem:
        """A sealed item as a journal holds it. It is unpacked when somebody first reads it."""
        item = cls(hash_key, range_key, {})
        item._attrs = None
        item._packed = packed
        return item

    @property
    def attrs(self) -> Any:  # type: ignore[override] # nobody sets it but the item itself
        """Attributes by name, as moto's values."""
        attrs = self._attrs
        if attrs is None:
            attrs = self._attrs = _attributes(decode(self._packed or b"{}"))
            _keep_unpacked(self)
        return attrs

    @property
    def packed(self) -> bytes:
        """The sealed item as JSON."""
        if self._packed is None:
            raise RuntimeError("the item is still open")
        return self._packed

    def draft(self) -> StoredItem:
        """An open copy to work on. Values that can change in place are copied, others are shared."""
        draft = StoredItem(self.hash_key, self.range_key, {})
        for name, value in self.attrs.items():
            own = copy.deepcopy(value) if value.type in _CONTAINERS else value
            dict.__setitem__(draft._attrs, name, own)
        return draft

    def seal(self) -> None:
        """Close an open item: check its size and pack it. Raises moto's error for one that is too large."""
        if self._packed is None:
            if self.size() > MAX_ITEM_BYTES:
                raise ItemSizeTooLarge
            self._packed = encode(self._attrs)
            _keep_unpacked(self)

    def size(self) -> int:
        """Bytes by moto's measure, counted once for a sealed item."""
        if self._size is None or self._packed is None:
            self._size = super().size()
        return self._size

    def project(self, projection_expressions: list[list[str]]) -> Any:
        """The named attributes only; top-level names without a walk through the whole item."""
        if any(len(path) > 1 or "[" in path[0] for path in projection_expressions):
            return super().project(projection_expressions)
        attrs = self.attrs
        named = {path[0]: attrs[path[0]] for path in projection_expressions if path[0] in attrs}
        return StoredItem(self.hash_key, self.range_key, named)

    def __deepcopy__(self, memo: dict[int, Any]) -> StoredItem:
        return self


def _attributes(values: Mapping[str, Any]) -> Any:
    attrs = LimitedSizeDict()
    for name, value in values.items():
        dict.__setitem__(attrs, name, value if type(value) is DynamoType else DynamoType(value))
    return attrs


def _keep_unpacked(item: StoredItem) -> None:
    _unpacked.append(item)
    while len(_unpacked) > UNPACKED_ITEMS:
        _unpacked.popleft()._attrs = None


def sealed_items() -> list[Patch]:
    """Stock `Item` is changed in place, hence copied three times per update and once per row of a query."""
    return [
        Patch(dynamo_type, "Item", StoredItem),
        Patch(models, "Item", StoredItem),
        Patch(table, "Item", StoredItem),
    ]


def size_checked_once() -> list[Patch]:
    """Stock measures the whole item for each attribute set: quadratic. `StoredItem.seal` measures once."""
    return [Patch(LimitedSizeDict, "__setitem__", dict.__setitem__)]


def no_instance_tracking() -> list[Patch]:
    """Stock keeps every model object ever made in a list, for its own dashboard: memory has no end."""
    create: Callable[..., Any] = lambda cls, *_args, **_kwargs: object.__new__(cls)  # noqa: E731
    return [Patch(BaseModel, "__new__", staticmethod(create))]
