"""A standard SQS queue whose calls cost the same at any backlog and whose long polls sleep until due.

Stock moto walks over all messages for every send, receive and delete, wakes long polls once a second, and
hands one message to two callers when two threads receive at once.
"""

from __future__ import annotations

import copy
import itertools
import time
from collections import Counter
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from threading import Condition
from typing import Any

from moto.sqs.constants import MAXIMUM_VISIBILITY_TIMEOUT
from moto.sqs.exceptions import InvalidParameterValue, QueueDoesNotExist, ReceiptHandleIsInvalid
from moto.sqs.models import Message, Queue

from headrace.local.callers import is_there

READY, DELAYED, IN_FLIGHT, GONE = "ready", "delayed", "in flight", "gone"


class PlacedMessage(Message):
    """A message and where it lies in its queue."""

    kind = GONE
    entry: Entry | None = None
    order = 0

    @property
    def sent_at(self) -> float:
        """Wall time of the send."""
        return (self.sent_timestamp or 0) / 1000


Entry = tuple[float, int, PlacedMessage]


class PromptQueue(Queue):
    """Messages by id; those ready by order of arrival; those delayed or in flight by the moment they are due.

    A message knows its entry in one of the two heaps; an entry that is not its message's own is stale.
    """

    message_retention_period: int
    redrive_policy: Any

    clock: Callable[[], float] = staticmethod(time.time)
    """Wall time, since what a delayed message is about is a moment of it, also after a laptop has slept."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._changed = Condition()
        self._by_id: dict[str, PlacedMessage] = {}
        self._ready: list[Entry] = []
        self._waiting: list[Entry] = []
        self._count = Counter[str]()
        self._numbers = itertools.count(1)
        self._deleted = self._released = False
        super().__init__(*args, **kwargs)
        if self.fifo_queue:
            raise InvalidParameterValue("The embedded SQS has standard queues only.")

    # --- calls ----------------------------------------------------------------------------------------

    def add_message(self, message: Any) -> None:
        """Accept a message; one poller is woken for it."""
        with self._changed:
            message.kind, message.entry, message.order = GONE, None, next(self._numbers)
            self._by_id[message.id] = message
            self._place(message, message.delayed_until / 1000, DELAYED)
            self._changed.notify()

    def receive(self, count: int, wait_seconds: float, visibility_timeout: int) -> list[PlacedMessage]:
        """Up to `count` messages, waiting for the first one. Copies, so that nobody sees a later change.

        A caller that has hung up gets none: another waits for them.
        """
        deadline = time.monotonic() + wait_seconds
        with self._changed:
            while True:
                self._promote()
                has_left = bool(self._ready) and not is_there()
                taken = [] if has_left else self._take(count, visibility_timeout)
                remaining = deadline - time.monotonic()
                if taken or has_left or remaining <= 0 or self._deleted or self._released:
                    break
                due = self._waiting[0][0] - self.clock() if self._waiting else remaining
                self._changed.wait(min(remaining, max(due, 0.001)))
            self._changed.notify()  # whoever leaves hands the watch over: what it slept for may still come
            if self._deleted:
                raise QueueDoesNotExist
            return [copy.copy(message) for message in taken]

    def delete_message(self, receipt_handle: str) -> None:
        """Delete by any handle the message ever had. A message that is gone already is no error."""
        with self._changed:
            if message := self._by_id.get(self._message_id(receipt_handle)):
                self._drop(message)

    def change_visibility(self, receipt_handle: str, visibility_timeout: int) -> None:
        """Hide a message for so long from now; 0 gives it back at once."""
        with self._changed:
            message = self._by_id.get(self._message_id(receipt_handle))
            if message is None:
                raise ReceiptHandleIsInvalid
            until = self.clock() + visibility_timeout
            if until - message.sent_at > MAXIMUM_VISIBILITY_TIMEOUT:
                raise InvalidParameterValue(
                    f"Value {visibility_timeout} for parameter VisibilityTimeout is invalid. Reason: Total "
                    "VisibilityTimeout for the message is beyond the limit [43200 seconds]"
                )
            self._place(message, until if visibility_timeout else 0.0, IN_FLIGHT)
            self._changed.notify()

    def purge(self) -> None:
        """Forget all messages."""
        with self._changed:
            for message in list(self._by_id.values()):
                self._drop(message)

    def close(self) -> None:
        """The queue is deleted: end its long polls with an error."""
        with self._changed:
            self._deleted = True
            self._changed.notify_all()

    def release(self) -> None:
        """The server stops: end its long polls empty-handed."""
        with self._changed:
            self._released = True
            self._changed.notify_all()

    # --- counts ---------------------------------------------------------------------------------------

    @property
    def approximate_number_of_messages(self) -> int:
        """Messages that a receive could return now."""
        return self._counted(READY)

    @property
    def approximate_number_of_messages_delayed(self) -> int:
        """Messages not yet due for the first time."""
        return self._counted(DELAYED)

    @property
    def approximate_number_of_messages_not_visible(self) -> int:
        """Messages in flight."""
        return self._counted(IN_FLIGHT)

    def _counted(self, kind: str) -> int:
        with self._changed:
            self._promote()
            return self._count[kind]

    # --- where a message lies -------------------------------------------------------------------------

    def _place(self, message: PlacedMessage, due: float, kind: str) -> None:
        waits = due > self.clock()
        self._count[message.kind] -= 1
        message.kind = kind if waits else READY
        self._count[message.kind] += 1
        message.entry = (due if waits else message.order, next(self._numbers), message)
        heappush(self._waiting if waits else self._ready, message.entry)

    def _drop(self, message: PlacedMessage) -> None:
        self._count[message.kind] -= 1
        message.kind, message.entry = GONE, None
        del self._by_id[message.id]

    def _promote(self) -> None:
        waiting, now = self._waiting, self.clock()
        while waiting and (waiting[0][0] <= now or waiting[0][2].entry is not waiting[0]):
            entry = heappop(waiting)
            if entry[2].entry is entry:
                self._place(entry[2], 0.0, READY)
        if len(waiting) > 2 * len(self._by_id) + 64:
            self._waiting = [entry for entry in waiting if entry[2].entry is entry]
            heapify(self._waiting)

    def _take(self, count: int, visibility_timeout: int) -> list[PlacedMessage]:
        taken: list[PlacedMessage] = []
        while self._ready and len(taken) < count:
            entry = heappop(self._ready)
            message = entry[2]
            if message.entry is not entry or self._outlived(message) or self._to_dead_letters(message):
                continue
            message.mark_received(visibility_timeout)
            message.receipt_handle = f"{self.name}:{message.id}:{message.approximate_receive_count}"
            taken.append(message)
        for message in taken:
            self._place(message, self.clock() + visibility_timeout, IN_FLIGHT)
        return taken

    def _outlived(self, message: PlacedMessage) -> bool:
        if message.sent_at + self.message_retention_period > self.clock():
            return False
        self._drop(message)
        return True

    def _to_dead_letters(self, message: PlacedMessage) -> bool:
        target = self.dead_letter_queue
        if target is None or message.approximate_receive_count < self.redrive_policy["maxReceiveCount"]:
            return False
        self._drop(message)
        target.add_message(copy.copy(message))
        return True

    def _message_id(self, receipt_handle: str) -> str:
        name, _, rest = receipt_handle.partition(":")
        if name != self.name:
            raise ReceiptHandleIsInvalid
        return rest.partition(":")[0]
