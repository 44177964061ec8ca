"""The log of one attempt on its way out: cut where a predecessor cut, and numbered by the keeper, which bounds it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from pydantic import ValidationError

from headrace.contract.sizes import MESSAGE_BYTES
from headrace.contract.sync import LogBatch, LogRecord
from headrace.worker.keeper.clock import now_iso
from headrace.worker.keeper.wire import Message

BATCH_RECORDS = 5000
RECORD_OVERHEAD = 90
"""What a record costs beside its message: time, level, name and punctuation."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A batch to be sent, covering the keeper's records `first` to `last`."""

    run: UUID
    attempt: int
    first: int
    last: int
    size: int
    records: tuple[LogRecord, ...]

    def batch(self) -> LogBatch:
        """As the control plane takes it. The first record's number is the batch's: so batches sort by it."""
        return LogBatch(run=self.run, attempt=self.attempt, seq=self.first, records=list(self.records))

    def halves(self) -> tuple[Piece, Piece]:
        """Two smaller batches of the same records."""
        middle = len(self.records) // 2
        cut = self.first + max(0, (self.last - self.first) // 2)
        return (
            Piece(self.run, self.attempt, self.first, cut, self.size // 2, self.records[:middle]),
            Piece(self.run, self.attempt, cut + 1, self.last, self.size // 2, self.records[middle:]),
        )


@dataclass(slots=True)
class LogTail:
    """Records in order; `cuts` are numbers at which a batch must end."""

    run: UUID
    attempt: int
    _entries: deque[tuple[int, int, LogRecord]] = field(default_factory=deque)
    _cuts: deque[int] = field(default_factory=deque)
    _last: int = 0
    size: int = 0
    """Bytes that wait."""

    def __bool__(self) -> bool:
        return bool(self._entries)

    def take_over(self, delivered: int, marks: Iterable[tuple[int, int]]) -> None:
        """A predecessor delivered up to there, and may have sent these batches: cut the same again."""
        self._last = delivered
        for first, last in marks:
            self._cuts.extend((first - 1, last))

    def add(self, first: int, records: Iterable[Message]) -> None:
        """Take the keeper's records from number `first` on; those that are known are passed over."""
        for number, event in enumerate(records, start=first):
            if number <= self._last:
                continue
            self._last = number
            record = _record(event)
            size = len(record.message.encode("utf-8", "replace")) + len(record.name) + RECORD_OVERHEAD
            self._entries.append((number, size, record))
            self.size += size

    def say(self, level: int, messages: Iterable[str]) -> None:
        """Records of the worker's own."""
        head = {"at": now_iso(), "level": level, "name": "headrace.worker"}
        self.add(self._last + 1, [{**head, "message": message} for message in messages])

    def take(self, most: int) -> Piece | None:
        """The next batch of at most about this many bytes (always at least one record)."""
        if not self._entries:
            return None
        first = last = self._entries[0][0]
        while self._cuts and self._cuts[0] < first:
            self._cuts.popleft()
        taken: list[LogRecord] = []
        size = 0
        while self._entries and len(taken) < BATCH_RECORDS:
            number, cost, record = self._entries[0]
            if size and size + cost > most:
                break
            self._entries.popleft()
            last, size = number, size + cost
            taken.append(record)
            if self._cuts and self._cuts[0] == number:
                break
        self.size -= size
        return Piece(self.run, self.attempt, first, last, size, tuple(taken))


def _record(event: Message) -> LogRecord:
    try:
        message = str(event["message"])
        if len(message) * 4 > MESSAGE_BYTES:
            message = _shortened(message)
        return LogRecord(
            at=event["at"], level=int(event["level"]), name=str(event["name"])[:300], message=message
        )
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError, ValidationError) as error:
        text = f"A log record that could not be read ({type(error).__name__})."
        return LogRecord(at=now_iso(), level=30, name="headrace.worker", message=text)  # type: ignore[arg-type]


def _shortened(message: str) -> str:
    data = message.encode("utf-8", "replace")
    if len(data) <= MESSAGE_BYTES:
        return message
    mark = f" [cut: the message had {len(data)} bytes]"
    return data[: MESSAGE_BYTES - len(mark)].decode("utf-8", "ignore") + mark
