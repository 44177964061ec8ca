"""SQS queues: one for each work queue, for doorbells, and one for each worker's session, for orders.

A message is a doorbell: losing or repeating one changes nothing, so a send that fails is only logged.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice
from secrets import token_hex
from typing import Any
from uuid import UUID

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.dispatch.clients import Clients
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.names import stamp
from chalicelib.domain.worker_policy import queue_prefix
from chalicelib.settings import Settings

log = logging.getLogger("headrace.dispatch")

LONGEST_DELAY = timedelta(seconds=900)
"""So long SQS can hold a message back (AWS, SendMessage)."""
_GONE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
RETENTION = 4 * 86_400
HIDDEN = 10
"""Seconds for which a message is hidden from others once received: ample for a sync, and how long a run may wait
whose doorbell went to a worker that is gone. SQS hands messages to long polls whose caller has left, too."""


class Queues:
    """Makes and deletes queues, and sends to them. Others that call AWS share its `clients`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.clients = Clients(settings.region)
        self._made: Any = None

    @property
    def _sqs(self) -> Any:
        if self._made is None:
            self._made = self.clients.make("sqs")
        return self._made

    def create(self, pool: str, purpose: str, generation: str | None = None) -> str:
        """Make a queue and give its URL. Raises `Unavailable`.

        `generation` (16 letters at most) makes the name: a repeated call finds the queue of the first. By
        itself a name is never used twice, since SQS closes a deleted one for a minute; all queues of a pool share
        a prefix, so that one wildcard covers them in a policy.
        """
        name = f"{queue_prefix(self._settings.stage, pool)}{purpose}{generation or token_hex(6)}"
        attributes = {"MessageRetentionPeriod": str(RETENTION), "VisibilityTimeout": str(HIDDEN)}
        try:
            return str(self._sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])
        except (ClientError, BotoCoreError) as error:
            raise Unavailable("SQS did not make the queue.", hint="Try again in a moment.") from error

    def delete(self, url: str) -> bool:
        """Delete a queue; one that is gone already is fine. False if that failed, which is logged."""
        try:
            self._sqs.delete_queue(QueueUrl=url)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                log.warning("could not delete %s: %s", url, error)
                return False
        except BotoCoreError as error:
            log.warning("could not delete %s: %s", url, error)
            return False
        return True

    def ring(self, url: str, run: UUID, due: datetime, now: datetime) -> bool:
        """Wake a worker for a run on the whole second before it is due. Too far ahead: the tick rings later.

        False if there is no such queue; any other failure is the tick's to mend.
        """
        if due - now > LONGEST_DELAY:
            return True
        body = json.dumps({"run": str(run), "due": stamp(due)})
        return self._quietly(
            "ring",
            lambda: self._sqs.send_message(QueueUrl=url, MessageBody=body, DelaySeconds=_delay(due, now)),
        )

    def ring_many(self, url: str, runs: Sequence[tuple[UUID, datetime]], now: datetime) -> None:
        """Ring for several runs, ten to a message batch."""
        rows = iter(runs)
        while batch := list(islice(rows, 10)):
            entries = [_entry(index, run, due, now) for index, (run, due) in enumerate(batch)]
            self._quietly("ring", lambda e=entries: self._sqs.send_message_batch(QueueUrl=url, Entries=e))

    def order(self, url: str, command: dict[str, object]) -> None:
        """Tell a worker's session something now; its next sync tells it again."""
        if url:
            self._quietly(
                "order", lambda: self._sqs.send_message(QueueUrl=url, MessageBody=json.dumps(command))
            )

    def _quietly(self, what: str, call: Any) -> bool:
        """Call; a failure is only logged. False if the queue does not exist."""
        try:
            call()
        except ClientError as error:
            log.warning("could not %s: %s", what, error)
            return error.response["Error"]["Code"] not in _GONE
        except BotoCoreError as error:
            log.warning("could not %s: %s", what, error)
        return True


def _entry(index: int, run: UUID, due: datetime, now: datetime) -> dict[str, object]:
    body = json.dumps({"run": str(run), "due": stamp(due)})
    return {"Id": str(index), "MessageBody": body, "DelaySeconds": _delay(due, now)}


def _delay(due: datetime, now: datetime) -> int:
    return int(min(max(due - now, timedelta(0)), LONGEST_DELAY).total_seconds())
