"""Counts what AWS would bill: read and write units from item sizes, SQS requests, API requests.

moto's own figures are constants, so units are computed here by the rules of the DynamoDB developer guide
("Read and write operations", "Global secondary indexes: write capacity"):

- a read costs a unit for each 4 KB of an item (of all items read together, for a Query), half if it is
  eventually consistent, and at least one step; an absent item costs as an item of up to 4 KB;
- a write costs a unit for each KB of the larger of the item before and after; twice within a transaction,
  where a condition check is billed as a write; a failed condition is billed too;
- an index (keys only here, so entries are under 1 KB) costs one unit when an item enters or leaves it, two
  when its key there changes, none otherwise.

The tick comes each minute, whatever else happens; what its thread does is not counted, or figures would depend
on the second of the minute at which they are taken. It has figures of its own (`headrace.cost.units.TICK`).
Nor is what a thread does within `uncounted`, such as looking whether the runs are over.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.client import BaseClient

from headrace.local.ticker import THREAD

INDEXES = {"lane": ("lane", "lane_at"), "history": ("history", "history_at"), "day": ("day", "day_at")}
Item = Mapping[str, Mapping[str, Any]]


@dataclass
class Bill:
    """What was counted."""

    write_units: float = 0
    read_units: float = 0
    items_read: int = 0
    calls: Counter[str] = field(default_factory=Counter)

    def clear(self) -> None:
        """Count from nothing again."""
        self.write_units = self.read_units = 0
        self.items_read = 0
        self.calls.clear()


def size(item: Item | None) -> int:
    """Bytes of an item: names and values (AWS, "DynamoDB item sizes and formats")."""
    return sum(len(name.encode()) + _value(value) for name, value in (item or {}).items())


def _value(value: Mapping[str, Any]) -> int:
    ((kind, inner),) = value.items()
    match kind:
        case "S":
            return len(inner.encode())
        case "B":
            return len(inner)
        case "N":
            return len(str(inner).lstrip("-").replace(".", "")) // 2 + 2
        case "SS":
            return sum(len(part.encode()) for part in inner)
        case "BS" | "NS":
            return sum(len(part) for part in inner)
        case _:
            return 1


def write_units(before: Item | None, after: Item | None, times: int = 1) -> float:
    """Units of one write, indexes included."""
    base = max(1, math.ceil(max(size(before), size(after)) / 1024)) * times
    return base + sum(_index_units(before, after, names) for names in INDEXES.values())


def _index_units(before: Item | None, after: Item | None, names: tuple[str, str]) -> int:
    old, new = ([(item or {}).get(name) for name in names] for item in (before, after))
    was, now = all(old), all(new)
    if was and now:
        return 0 if old == new else 2
    return int(was) + int(now)


def read_units(total: int, consistent: bool) -> float:
    """Units of one read of so many bytes."""
    return max(1, math.ceil(total / 4096)) * (1.0 if consistent else 0.5)


@contextmanager
def recording() -> Iterator[Bill]:
    """Count every AWS call of this process until the end of the block, but for those of the timed tick."""
    bill = Bill()
    original = BaseClient._make_api_call

    def call(client: Any, operation: str, params: dict[str, Any]) -> Any:
        if threading.current_thread().name == THREAD or getattr(_watching, "on", False):
            return original(client, operation, params)
        service = client.meta.service_model.service_name
        bill.calls[f"{service}.{operation}"] += 1
        if service != "dynamodb":
            return original(client, operation, params)
        return _METER.get(operation, _plain)(
            bill, client, params, lambda: original(client, operation, params), original
        )

    BaseClient._make_api_call = call
    try:
        yield bill
    finally:
        BaseClient._make_api_call = original


@contextmanager
def uncounted() -> Iterator[None]:
    """What this thread calls until the end of the block is not counted; what others call is."""
    _watching.on = True
    try:
        yield
    finally:
        _watching.on = False


_watching = threading.local()
Do = Callable[[], Any]


def _plain(bill: Bill, client: Any, params: Any, do: Do, original: Any) -> Any:
    return do()


def _get(bill: Bill, client: Any, params: Any, do: Do, original: Any) -> Any:
    answer = do()
    bill.read_units += read_units(size(answer.get("Item")), params.get("ConsistentRead", False))
    bill.items_read += 1
    return answer


def _batch_get(bill: Bill, client: Any, params: Any, do: Do, original: Any) -> Any:
    answer = do()
    for table, wanted in params["RequestItems"].items():
        found = answer["Responses"].get(table, [])
        consistent = wanted.get("ConsistentRead", False)
        bill.read_units += sum(read_units(size(item), consistent) for item in found)
        bill.read_units += (len(wanted["Keys"]) - len(found)) * read_units(0, consistent)
        bill.items_read += len(wanted["Keys"])
    return answer


def _query(bill: Bill, client: Any, params: Any, do: Do, original: Any) -> Any:
    answer = do()
    bill.read_units += read_units(sum(map(size, answer["Items"])), params.get("ConsistentRead", False))
    bill.items_read += answer["ScannedCount"]
    return answer


def _write(bill: Bill, client: Any, params: Any, do: Do, original: Any) -> Any:
    key = params.get("Key") or {name: params["Item"][name] for name in ("pk", "sk")}
    with _billed(bill, client, params["TableName"], [key], 1, original):
        return do()


def _transaction(bill: Bill, client: Any, params: Any, do: Do, original: Any) -> Any:
    steps = [next(iter(step.items())) for step in params["TransactItems"]]
    keys = [body.get("Key") or {name: body["Item"][name] for name in ("pk", "sk")} for _, body in steps]
    with _billed(bill, client, steps[0][1]["TableName"], keys, 2, original):
        return do()


@contextmanager
def _billed(
    bill: Bill, client: Any, table: str, keys: list[Any], times: int, original: Any
) -> Iterator[None]:
    before = [_image(client, table, key, original) for key in keys]
    try:
        yield
    finally:
        for key, old in zip(keys, before, strict=True):
            bill.write_units += write_units(old, _image(client, table, key, original), times)


def _image(client: Any, table: str, key: Any, original: Any) -> Item | None:
    answer = original(client, "GetItem", {"TableName": table, "Key": key, "ConsistentRead": True})
    item: Item | None = answer.get("Item")
    return item


_METER: dict[str, Callable[..., Any]] = {
    "GetItem": _get,
    "BatchGetItem": _batch_get,
    "Query": _query,
    "PutItem": _write,
    "UpdateItem": _write,
    "DeleteItem": _write,
    "TransactWriteItems": _transaction,
}
