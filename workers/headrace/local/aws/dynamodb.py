"""DynamoDB calls, one at a time, each applied as a whole, journalled, and only then answered.

Stock moto is not thread-safe: concurrent conditional updates are lost, and a failing transaction rolls the
table back over other callers' acknowledged writes. It also leaves half of an update behind when the second
half of its expression fails.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from moto.core.responses import ActionResult
from moto.dynamodb import responses
from moto.dynamodb.exceptions import ItemSizeTooLarge, ItemSizeToUpdateTooLarge
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.responses import DynamoHandler

from headrace.local.aws.answers import Answer, from_exception, refusal
from headrace.local.aws.items import StoredItem
from headrace.local.aws.patch import Patch
from headrace.local.aws.place import ACCOUNT, REGION
from headrace.local.aws.table import Change, PartitionedTable
from headrace.local.aws.tokens import RepeatedTransactions
from headrace.local.aws.wire import decode, encode

_ACTIONS = {
    "BatchGetItem": "batch_get_item",
    "BatchWriteItem": "batch_write_item",
    "CreateTable": "create_table",
    "DeleteItem": "delete_item",
    "DescribeContinuousBackups": "describe_continuous_backups",
    "DescribeEndpoints": "describe_endpoints",
    "DescribeTable": "describe_table",
    "DescribeTimeToLive": "describe_time_to_live",
    "GetItem": "get_item",
    "ListTables": "list_tables",
    "ListTagsOfResource": "list_tags_of_resource",
    "PutItem": "put_item",
    "Query": "query",
    "Scan": "scan",
    "TagResource": "tag_resource",
    "TransactGetItems": "transact_get_items",
    "TransactWriteItems": "transact_write_items",
    "UpdateContinuousBackups": "update_continuous_backups",
    "UpdateItem": "update_item",
    "UpdateTable": "update_table",
    "UpdateTimeToLive": "update_time_to_live",
}


class ChangeLog(Protocol):
    """Where changes go before a call is answered."""

    def write(self, changes: Sequence[Change]) -> None:
        """Keep the changes of one call, all or none. Raises OSError when that is impossible."""


class DynamoDB:
    """The one entrance to the tables."""

    def __init__(self, change_log: ChangeLog | None = None) -> None:
        self.lock = threading.RLock()
        self.change_log = change_log
        self._transactions = RepeatedTransactions()

    @property
    def backend(self) -> DynamoDBBackend:
        """The state that moto keeps."""
        return dynamodb_backends[ACCOUNT][REGION]

    def call(self, action: str, body: bytes) -> Answer:
        """Carry out one API action."""
        method = _ACTIONS.get(action)
        if method is None:
            return refusal("UnknownOperationException", f"The embedded DynamoDB has no {action}.")
        params = decode(body)
        with self.lock:
            try:
                return Answer(200, self._run(action, method, params))
            except Exception as error:  # noqa: BLE001 - whatever went wrong is undone and answered as AWS would
                self._undo()
                return from_exception(error, f"dynamodb:{action}")

    def tables(self) -> list[PartitionedTable]:
        """All tables."""
        return [table for table in self.backend.tables.values() if isinstance(table, PartitionedTable)]

    def settle(self) -> None:
        """Journal what the running call wrote, then bring the indexes up to date. Call with the lock held."""
        written = [(table, changes) for table in self.tables() if (changes := table.changes())]
        if written and self.change_log:
            self.change_log.write([change for _, changes in written for change in changes])
        for table in self.tables():
            table.settle(next((changes for of, changes in written if of is table), []))

    def remove(self, items: Iterable[tuple[PartitionedTable, StoredItem]]) -> None:
        """Delete these items, each only if it is still the one that is stored."""
        with self.lock:
            try:
                for table, item in items:
                    key = item.hash_key, item.range_key
                    if table.peek(key) is item:
                        table.delete_item(*key)
                self.settle()
            except OSError:
                self._undo()
                raise

    def _run(self, action: str, method: str, params: dict[str, Any]) -> bytes:
        token = params.get("ClientRequestToken") if action == "TransactWriteItems" else None
        if token and self._transactions.done(token, params):
            return b"{}"
        handler = DynamoHandler()
        handler.params = handler.body = params
        handler.current_account, handler.region = ACCOUNT, REGION
        result = getattr(handler, method)().result
        try:
            self.settle()
        except ItemSizeTooLarge:
            raise (ItemSizeToUpdateTooLarge if action == "UpdateItem" else ItemSizeTooLarge) from None
        if action == "UpdateTable":
            for table in self.tables():
                table.reindex()
        answer = encode(result)
        if token:
            self._transactions.remember(token, params)
        return answer

    def _undo(self) -> None:
        for table in self.tables():
            table.undo()


_stock_update_item = DynamoDBBackend.update_item


def _update_draft(self: Any, table_name: str, key: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
    self.get_table(table_name).open_draft(key)
    return _stock_update_item(self, table_name, key, *args, **kwargs)


def updates_on_drafts() -> list[Patch]:
    """Stock changes the stored item in place, so an update that fails midway leaves its first half behind."""
    return [Patch(DynamoDBBackend, "update_item", _update_draft)]


def results_encoded_once() -> list[Patch]:
    """Stock turns each result into plain values twice and then into JSON; our encoder reads it as it is."""
    return [Patch(responses, "DynamoResult", ActionResult)]


def hundred_item_reads() -> list[Patch]:
    """Stock refuses TransactGetItems above 25 items; AWS allows 100."""
    return [Patch(responses, "TRANSACTION_MAX_ITEMS", 100)]
