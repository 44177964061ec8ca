"""What AWS refuses and moto lets through, checked before each call that a test makes.

Sources: the DynamoDB and SQS API references (limits of TransactWriteItems, BatchWriteItem, Query,
SendMessage) and "Service, account, and table quotas" of the DynamoDB developer guide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Params = Mapping[str, Any]
INDEX_KEYS = ("lane", "lane_at", "history", "history_at", "day", "day_at")
EXPRESSIONS = (
    "ConditionExpression",
    "UpdateExpression",
    "KeyConditionExpression",
    "FilterExpression",
    "ProjectionExpression",
)
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class Refused(AssertionError):
    """AWS would have refused this call."""


@dataclass(frozen=True)
class Call:
    """One call of an AWS service."""

    service: str
    operation: str
    params: Params

    @property
    def writes(self) -> bool:
        """Whether it can change something."""
        return self.operation not in READS

    def __str__(self) -> str:
        return f"{self.service}:{self.operation}"


READS = frozenset(
    {
        "GetItem",
        "BatchGetItem",
        "Query",
        "Scan",
        "DescribeTable",
        "ListQueues",
        "GetQueueUrl",
        "ReceiveMessage",
    }
)


def check(call: Call) -> None:
    """Raise `Refused` for what AWS would refuse."""
    for rule in RULES.get(call.operation, ()):
        rule(call.params)
    if call.service == "dynamodb":
        for step in _steps(call):
            _expressions(step)
            _values(step)


def _steps(call: Call) -> Iterator[Params]:
    """The call itself, or each action of its transaction."""
    if call.operation == "TransactWriteItems":
        for action in call.params["TransactItems"]:
            yield from action.values()
    else:
        yield call.params


def _expressions(step: Params) -> None:
    text = " ".join(str(step[name]) for name in EXPRESSIONS if name in step)
    for kind, marks in (("name", "ExpressionAttributeNames"), ("value", "ExpressionAttributeValues")):
        for mark in step.get(marks, ()):
            if not re.search(rf"{re.escape(mark)}\b", text):
                raise Refused(f"expression attribute {kind} {mark} is not used")
        if marks in step and not step[marks]:
            raise Refused(f"{marks} must not be empty")


def _values(step: Params) -> None:
    for name, value in step.get("Item", {}).items():
        _number(value)
        if name in INDEX_KEYS and ("S" not in value or not value["S"]):
            raise Refused(f"index key {name} must be a text that is not empty, is {value}")
        if name in INDEX_KEYS and len(value["S"].encode()) > (2048 if not name.endswith("_at") else 1024):
            raise Refused(f"index key {name} is too long")
    for mark, value in step.get("ExpressionAttributeValues", {}).items():
        _number(value)
        if value in ({"S": ""}, {"BS": []}, {"SS": []}, {"NS": []}):
            raise Refused(f"{mark} is empty, and may be an index key or a set")


def _number(value: Any) -> None:
    if isinstance(value, dict):
        for kind, inner in value.items():
            if kind == "N" and len(re.sub(r"[^0-9]", "", inner).strip("0")) > 38:
                raise Refused(f"{inner} has more than 38 digits")
            _number(inner)
    elif isinstance(value, list):
        for inner in value:
            _number(inner)


def _no_scan(_: Params) -> None:
    raise Refused("no operation of Headrace may scan the table")


def _transaction(params: Params) -> None:
    actions = [(kind, step) for action in params["TransactItems"] for kind, step in action.items()]
    if not 1 <= len(actions) <= 100:
        raise Refused(f"a transaction of {len(actions)} actions")
    keys = [_key(step) for _, step in actions]
    if len(set(keys)) != len(keys):
        raise Refused("two actions on one item in a transaction")
    if sum(_size(step.get("Item", {})) for _, step in actions) > 4 * 1024 * 1024:
        raise Refused("a transaction of more than 4 MB")


def _key(step: Params) -> tuple[str, str]:
    found = step.get("Key") or step["Item"]
    return str(found["pk"]), str(found["sk"])


def _size(value: Any) -> int:
    if isinstance(value, dict):
        return sum(len(name) + _size(inner) for name, inner in value.items())
    if isinstance(value, (list, tuple)):
        return sum(map(_size, value))
    return len(value) if isinstance(value, (str, bytes)) else 1


def _item(params: Params) -> None:
    if _size(params["Item"]) > 400 * 1024:
        raise Refused("an item of more than 400 KB")


def _batch_write(params: Params) -> None:
    if sum(len(rows) for rows in params["RequestItems"].values()) > 25:
        raise Refused("a batch of more than 25 writes")


def _batch_get(params: Params) -> None:
    for table in params["RequestItems"].values():
        keys = [str(key) for key in table["Keys"]]
        if not 1 <= len(keys) <= 100 or len(set(keys)) != len(keys):
            raise Refused(f"a batch of {len(keys)} reads, {len(set(keys))} of them different")


def _query(params: Params) -> None:
    if params.get("IndexName") and params.get("ConsistentRead"):
        raise Refused("a consistent read of a global index")
    if params.get("Limit", 1) < 1:
        raise Refused("a limit below 1")


def _message(params: Params) -> None:
    body = params["MessageBody"]
    if not body or CONTROL.search(body) or len(body.encode()) > 1_048_576:
        raise Refused("a message that is empty, too long or has characters that SQS does not take")
    if not 0 <= params.get("DelaySeconds", 0) <= 900 or not isinstance(params.get("DelaySeconds", 0), int):
        raise Refused(f"a delay of {params['DelaySeconds']} s")


def _messages(params: Params) -> None:
    entries = params["Entries"]
    ids = [entry["Id"] for entry in entries]
    if not 1 <= len(entries) <= 10 or len(set(ids)) != len(ids):
        raise Refused(f"a batch of {len(entries)} messages")
    for entry in entries:
        _message(entry)


def _queue(params: Params) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,80}", params["QueueName"]):
        raise Refused(f"queue name {params['QueueName']}")


RULES: dict[str, tuple[Callable[[Params], None], ...]] = {
    "Scan": (_no_scan,),
    "TransactWriteItems": (_transaction,),
    "PutItem": (_item,),
    "BatchWriteItem": (_batch_write,),
    "BatchGetItem": (_batch_get,),
    "Query": (_query,),
    "SendMessage": (_message,),
    "SendMessageBatch": (_messages,),
    "CreateQueue": (_queue,),
}
