"""Doorbells and commands from SQS, one long-polling thread per queue.

A work queue is polled only while there are free slots, for at most as many messages; what comes in after
the last slot was taken is given back at once. The control queue is polled only while runs are in hand: what it
says is about them, and each poll of an idle worker is paid for. That the pool has changed, a worker with nothing
in hand hears through a work queue, or finds out as one of them is gone; with none left it listens to its control
queue. No doorbell is deleted uncalled, save those of runs that this session was granted, or told are gone, at that
same due time (a later due time is a new ring: a retry).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from headrace.client.transport import backoff
from headrace.contract.sync import Command, CommandKind, Doorbell, HintVerdict
from headrace.contract.workers import SqsAccess
from headrace.worker.chores import BATCH, Chores
from headrace.worker.credentials import ApiCredentials
from headrace.worker.events import QueueTrouble, Rung, Told
from headrace.worker.sqs import SQS_ERRORS, WAIT_SECONDS, is_gone, make_client, trouble

ASKED = 10.0
"""Seconds within which the control plane is expected to say that a queue that is gone is not served any more."""
REMEMBERED = 1_000
"""Runs whose repeated rings are deleted without a call; one that is forgotten costs a call."""

Post = Callable[[Rung | Told | QueueTrouble], None]


class Inbox:
    """Fills the mailbox; its methods are called by the loop's thread alone."""

    def __init__(self, access: SqsAccess, post: Post, credentials: ApiCredentials | None = None) -> None:
        self._client = make_client(access, credentials)
        self._chores = Chores(self._client)
        self._post = post
        self._gate = threading.Condition()
        self._closed = False
        self._free = 0
        self._busy = False
        self._wanted: set[str] = set()
        self._polled: set[str] = set()
        self._troubled: set[str] = set()
        self._known: dict[UUID, float] = {}

    def serve(self, work_queues: Iterable[str], control: str) -> None:
        """Listen to these queues, and to no others any more."""
        urls = set(work_queues)
        with self._gate:
            self._wanted = urls | {control}
            fresh = self._wanted - self._polled
            self._polled |= fresh
            self._gate.notify_all()
        for url in sorted(fresh):
            name = f"sqs-{'control' if url == control else url.rpartition('/')[2]}"
            threading.Thread(target=self._poll, args=(url, url == control), name=name, daemon=True).start()

    def set_free(self, free: int, *, busy: bool) -> None:
        """How many more runs may start, and whether there are any in hand."""
        with self._gate:
            self._free, self._busy = free, busy
            self._gate.notify_all()

    def settle(self, rung: Rung, verdict: HintVerdict) -> None:
        """Do with a doorbell what the control plane said of its run."""
        if verdict is HintVerdict.READY:
            self.give_back([rung])
            return
        if verdict is not HintVerdict.BLOCKED:
            self.remember(rung.run, rung.due)
        self._chores.delete(rung.queue_url, rung.receipt)

    def give_back(self, rungs: Iterable[Rung]) -> None:
        """Let somebody else have these now."""
        for rung in rungs:
            self._chores.give_back(rung.queue_url, rung.receipt)

    def remember(self, run: UUID, due: float) -> None:
        """Rings of this run up to this due time need no call."""
        self._known[run] = max(due, self._known.pop(run, 0.0))
        while len(self._known) > REMEMBERED:
            self._known.pop(next(iter(self._known)))

    def close(self) -> None:
        """Delete what is to be deleted, and stop; polls under way end by themselves."""
        with self._gate:
            self._closed = True
            self._gate.notify_all()
        self._chores.close()

    def _poll(self, url: str, control: bool) -> None:
        failures = 0
        while (size := self._turn(url, control)) is not None:
            try:
                answer = self._client.receive_message(
                    QueueUrl=url, MaxNumberOfMessages=size, WaitTimeSeconds=WAIT_SECONDS
                )
            except SQS_ERRORS as error:
                failures += 1
                if failures == 1 and is_gone(error):
                    self._ask_whether_it_is_served(url)
                    continue
                self._note_trouble(url, trouble(error, self._client.meta.endpoint_url))
                with self._gate:
                    self._gate.wait_for(lambda: self._closed, timeout=backoff(failures, first=0.5, most=10.0))
                continue
            failures = 0
            self._note_trouble(url, None)
            messages = answer.get("Messages", [])
            if control:
                self._commands(url, messages)
            else:
                self._doorbells(url, messages)
        self._note_trouble(url, None)
        with self._gate:
            self._polled.discard(url)

    def _ask_whether_it_is_served(self, url: str) -> None:
        """Its queue was deleted, and perhaps made again elsewhere: no outage, as long as the control plane knows."""
        self._post(Told(Command(kind=CommandKind.SYNC)))
        with self._gate:
            self._gate.wait_for(lambda: self._closed or url not in self._wanted, timeout=ASKED)

    def _turn(self, url: str, control: bool) -> int | None:
        """Wait until it makes sense to poll; how many messages to ask for, or `None` to stop."""
        with self._gate:
            self._gate.wait_for(
                lambda: self._closed or url not in self._wanted or self._is_time_for(control=control)
            )
            if self._closed or url not in self._wanted:
                return None
            return BATCH if control else min(BATCH, self._free)

    def _is_time_for(self, *, control: bool) -> bool:
        if not control:
            return self._free > 0
        return self._busy or (self._free > 0 and len(self._wanted) == 1)

    def _doorbells(self, url: str, messages: list[dict[str, Any]]) -> None:
        for message in messages:
            receipt = message["ReceiptHandle"]
            try:
                bell = Doorbell.model_validate_json(message["Body"])
            except ValidationError:
                # A command, or what nobody can ever use; nothing is lost: the tick rings again for what waits.
                self._commands(url, [message])
                continue
            due = bell.due.timestamp()
            if due <= self._known.get(bell.run, -1.0):
                self._chores.delete(url, receipt)
            elif self._free <= 0:
                self._chores.give_back(url, receipt)
            else:
                self._post(Rung(url, receipt, bell.run, due))

    def _commands(self, url: str, messages: list[dict[str, Any]]) -> None:
        for message in messages:
            # One that is not understood is of a newer control plane, perhaps; the next sync repeats what matters.
            with suppress(ValueError, ValidationError):
                self._post(Told(Command.model_validate(json.loads(message["Body"]))))
            self._chores.delete(url, message["ReceiptHandle"])

    def _note_trouble(self, url: str, error: str | None) -> None:
        with self._gate:
            if self._closed:
                return
            before = bool(self._troubled)
            if error is None:
                self._troubled.discard(url)
            else:
                self._troubled.add(url)
            changed = before != bool(self._troubled)
        if changed:
            self._post(QueueTrouble(error))
