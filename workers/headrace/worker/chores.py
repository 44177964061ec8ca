"""The thread that deletes SQS messages, ten at a time, and gives others back at once."""

from __future__ import annotations

import queue
import threading
import time
from typing import Any, NamedTuple

from headrace.worker.sqs import SQS_ERRORS

BATCH = 10
PATIENCE = 0.5
"""A delete waits this long for company: each request costs, and nobody waits for it."""


class _Chore(NamedTuple):
    url: str
    receipt: str
    back: bool


class Chores:
    """A message that could not be deleted comes again, and is then known: so failures need no retry here."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._queue: queue.SimpleQueue[_Chore | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._go, name="sqs-chores", daemon=True)
        self._thread.start()

    def delete(self, url: str, receipt: str) -> None:
        """Delete it in a moment."""
        self._queue.put(_Chore(url, receipt, back=False))

    def give_back(self, url: str, receipt: str) -> None:
        """Let somebody else have it now."""
        self._queue.put(_Chore(url, receipt, back=True))

    def close(self) -> None:
        """Do what is left, and stop."""
        self._queue.put(None)
        self._thread.join(timeout=5)

    def _go(self) -> None:
        going = True
        while going:
            gathered, going = self._gather()
            groups: dict[tuple[str, bool], list[str]] = {}
            for chore in gathered:
                groups.setdefault((chore.url, chore.back), []).append(chore.receipt)
            for (url, back), receipts in groups.items():
                for at in range(0, len(receipts), BATCH):
                    self._do(url, receipts[at : at + BATCH], back)

    def _gather(self) -> tuple[list[_Chore], bool]:
        """Wait for chores, then a moment longer for company; false at the end."""
        chore = self._queue.get()
        gathered: list[_Chore] = []
        until = time.monotonic() + PATIENCE
        while chore is not None:
            gathered.append(chore)
            patience = 0.0 if chore.back or len(gathered) >= BATCH else max(0.0, until - time.monotonic())
            try:
                chore = self._queue.get(timeout=patience)
            except queue.Empty:
                return gathered, True
        return gathered, False

    def _do(self, url: str, receipts: list[str], back: bool) -> None:
        entries = [{"Id": str(at), "ReceiptHandle": receipt} for at, receipt in enumerate(receipts)]
        try:
            if back:
                now = [{**entry, "VisibilityTimeout": 0} for entry in entries]
                self._client.change_message_visibility_batch(QueueUrl=url, Entries=now)
            else:
                self._client.delete_message_batch(QueueUrl=url, Entries=entries)
        except SQS_ERRORS:
            # The message becomes visible again by itself; losing or repeating a doorbell changes nothing.
            return
