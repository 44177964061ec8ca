"""AWS inside the test process: moto made strict, with its calls counted, lagging and failing on request."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.client import BaseClient
from moto.dynamodb.models import dynamodb_backends
from moto.sqs.models import sqs_backends

from headrace.local.aws.dynamodb import DynamoDB
from headrace.local.aws.patches import PATCHES
from headrace.local.aws.place import ACCOUNT, REGION
from headrace.local.aws.services import Services
from headrace.local.aws.sqs import SQS
from headrace.local.aws.transport import Transport
from tests.support.strict import Call, check

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
}
Saved = tuple[dict[Any, Any], dict[str, Any]]
Carry = Callable[[], Any]
Fault = Callable[[Call, Carry], Any]
"""Stands in for one call: it may carry it out, once, twice or not at all, and then answer or raise."""


@dataclass
class Aws:
    """The in-process AWS. `fault` stands in for every call made while it is set; `watch` sees each before."""

    calls: list[Call] = field(default_factory=list)
    fault: Fault | None = None
    watch: Callable[[Call], None] | None = None
    _pending: deque[Any] = field(default_factory=deque)
    _lag: int = 0

    @property
    def table(self) -> Any:
        """The one table, as moto keeps it."""
        return next(iter(dynamodb_backends[ACCOUNT][REGION].tables.values()))

    def answer(self, call: Call, carry: Carry) -> Any:
        """One call, with everything that may happen to it."""
        check(call)
        if self.watch:
            self.watch(call)
        self.calls.append(call)
        return self.fault(call, carry) if self.fault else carry()

    def lag(self, writes: int) -> None:
        """From now on the indexes are this many item writes behind the table."""
        table = self.table
        if "settle" not in vars(table):
            table.settle = self._settle
        self._lag = writes
        self._catch_up()

    @property
    def queues(self) -> dict[str, Any]:
        """The queues by name, as moto keeps them."""
        return sqs_backends[ACCOUNT][REGION].queues

    def has_queue(self, url: str) -> bool:
        """Whether there is a queue of that address."""
        return url.rpartition("/")[2] in self.queues

    def save(self) -> Saved:
        """The table and the names of queues as they stand, for `restore`."""
        items = {key: dict(rows) for key, rows in self.table.items.items()}
        return items, dict(self.queues)

    def restore(self, saved: Saved) -> None:
        """The table and queues as they stood; messages are not brought back."""
        items, queues = saved
        self.table.items.clear()
        for key, rows in items.items():
            self.table.items[key] = dict(rows)
        self._pending.clear()
        self.table.reindex()
        self.queues.clear()
        self.queues.update(queues)

    def clear(self) -> None:
        """An empty table, no queues, and nothing goes wrong."""
        self.fault = self.watch = None
        self.calls.clear()
        self._lag = 0
        self.restore(({}, {}))

    def _settle(self, changes: list[Any]) -> None:
        table = self.table
        for change in changes:
            table.indexes_by_name[None].replace(change.old, change.new)
            self._pending.append(change)
        table._before.clear()
        self._catch_up()

    def _catch_up(self) -> None:
        while len(self._pending) > self._lag:
            change = self._pending.popleft()
            for name, index in self.table.indexes_by_name.items():
                if name is not None:
                    index.replace(change.old, change.new)


@contextmanager
def in_process_aws() -> Iterator[Aws]:
    """Answer every AWS call of this process here, until the end of the block."""
    before = dict(os.environ)
    original = BaseClient._make_api_call
    aws = Aws()

    def call(client: Any, operation: str, params: dict[str, Any]) -> Any:
        made = Call(client.meta.service_model.service_name, operation, params)
        return aws.answer(made, lambda: original(client, operation, params))

    os.environ.update(ENVIRONMENT)
    PATCHES.apply()
    dynamodb_backends[ACCOUNT][REGION].reset()
    sqs_backends[ACCOUNT][REGION].reset()
    transport = Transport(Services(DynamoDB(), SQS()))
    transport.install()
    BaseClient._make_api_call = call
    try:
        yield aws
    finally:
        BaseClient._make_api_call = original
        transport.remove()
        PATCHES.undo()
        os.environ.clear()
        os.environ.update(before)
