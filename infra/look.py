"""`headrace cloud status` and `headrace cloud logs`: how a stage stands, and what its functions say."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from infra.account import Account, code
from infra.changes import Stack
from infra.errors import CloudError
from infra.names import Names
from infra.plane import active_by_pool, control_plane
from infra.up import address, trouble

LOOK_EVERY = 2.0
LATE = timedelta(seconds=2)
"""How far back each look goes again: CloudWatch takes its time, and not in order."""


def status(account: Account, stage: str) -> dict[str, Any]:
    """How a stage stands. Raises `CloudError` if there is none."""
    names = Names(stage)
    stack = Stack(account, names.stack)
    found = stack.describe()
    if found is None:
        raise CloudError(
            f"There is no stage {stage!r} in account {account.id}, {account.region}.",
            f"Make it: {account.command('up', stage)}",
        )
    outputs = stack.outputs()
    api_url = address(account, names, outputs)
    plane = control_plane(account, names)
    table = account.client("dynamodb").describe_table(TableName=names.table)["Table"]
    return {
        "stage": stage,
        "account": account.id,
        "region": account.region,
        "stack": found["StackStatus"],
        "changed": found.get("LastUpdatedTime") or found["CreationTime"],
        "api_url": api_url,
        "api": trouble(api_url) or "answers",
        "version": outputs.get("Version"),
        "ticked": plane.ports.watermark.read().last,
        "active_runs": active_by_pool(plane),
        "items": table["ItemCount"],
        "table_bytes": table["TableSizeBytes"],
        "dead_letters": _dead_letters(account, names),
    }


def logs(account: Account, stage: str, function: str, since: timedelta, *, follow: bool) -> Iterator[str]:
    """What a function (`api` or `tick`) has said since then, and with `follow` goes on to say."""
    names = Names(stage)
    group = f"/aws/lambda/{names.functions[function]}"
    start = datetime.now(UTC) - since
    seen: dict[str, datetime] = {}
    while True:
        for event in _events(account, stage, group, start):
            when = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
            which = event.get("eventId") or f"{event.get('logStreamName')} {when} {event['message']}"
            if which not in seen:
                seen[which] = when
                yield f"{when:%Y-%m-%d %H:%M:%S} {event['message'].rstrip()}"
        if not follow:
            return
        start = max([start, *(when - LATE for when in seen.values())])
        seen = {event: when for event, when in seen.items() if when >= start}
        time.sleep(LOOK_EVERY)


def _events(account: Account, stage: str, group: str, start: datetime) -> Iterator[dict[str, Any]]:
    pages = account.client("logs").get_paginator("filter_log_events")
    try:
        for page in pages.paginate(logGroupName=group, startTime=int(start.timestamp() * 1000)):
            yield from page["events"]
    except ClientError as error:
        if code(error) == "ResourceNotFoundException":
            raise CloudError(
                f"There is no log group {group} in {account.region}.",
                f"Is the stage up? {account.command('status', stage)}",
            ) from error
        raise


def _dead_letters(account: Account, names: Names) -> int:
    aws = account.client("sqs")
    url = aws.get_queue_url(QueueName=names.dead_letters)["QueueUrl"]
    found = aws.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    return int(found["Attributes"]["ApproximateNumberOfMessages"])
