"""All that is still to be told to the control plane: reports first, then logs, in batches that fit.

A batch that was sent stays *in flight* until the answer: it is then sent again unchanged, or was delivered,
or came back as too large and is split.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from headrace.contract.sync import LogBatch, Report
from headrace.worker.decisions import Key
from headrace.worker.keeper.wire import Message
from headrace.worker.logtail import LogTail, Piece
from headrace.worker.outcome import clip

SYNC_BYTES = 1_000_000
"""What one sync carries at most, apart from a single item that is larger."""
LEAST_FAST = 60_000
"""Where syncs take long, those with log records shrink to this: a claim waits for the sync before it."""
CUT_OFF = "The log is cut here: the worker left before it could deliver the rest."
REPORTS = 500
BATCHES = 500
LEAST = 20_000
"""After a 413 batches shrink to this, then items themselves do."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one sync tells."""

    reports: tuple[Report, ...] = ()
    pieces: tuple[Piece, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.reports or self.pieces)

    def logs(self) -> list[LogBatch]:
        """The log batches that have records."""
        return [piece.batch() for piece in self.pieces if piece.records]

    def marks(self) -> list[tuple[str, int, int, int]]:
        """Which records it carries, as the keeper notes it."""
        return [(str(piece.run), piece.attempt, piece.first, piece.last) for piece in self.pieces]


class Outbox:
    """Filled by the loop, emptied by the dialogue."""

    def __init__(self, most: int = SYNC_BYTES) -> None:
        self._most = self._now_most = most
        self._reports: deque[Report] = deque()
        self._seen: set[tuple[Key, int]] = set()
        self._young: dict[Key, float] = {}
        self._ready: deque[Piece] = deque()
        self._tails: dict[Key, LogTail] = {}
        self._over: set[Key] = set()
        self._expected: set[Key] = set()
        self._served: Key | None = None
        self.in_flight = Batch()

    def __bool__(self) -> bool:
        return bool(self._reports or self.has_logs or self.in_flight)

    @property
    def has_logs(self) -> bool:
        """Whether records wait."""
        return bool(self._ready) or any(self._tails.values())

    @property
    def log_bytes(self) -> int:
        """How much of logs waits."""
        return sum(tail.size for tail in self._tails.values())

    @property
    def awaits(self) -> bool:
        """Whether the keeper has more records than it may hand out before others are acknowledged."""
        return bool(self._expected)

    def expect(self, key: Key, *, more: bool) -> None:
        """The keeper says whether it has more of this attempt's log."""
        (self._expected.add if more else self._expected.discard)(key)

    def expect_nothing(self) -> None:
        """The keeper is gone, and what it had."""
        self._expected.clear()

    def cut_off(self) -> None:
        """The worker leaves before all is delivered: the logs say so."""
        for key in self._expected:
            self._tail(key).say(logging.ERROR, [CUT_OFF])
        self._expected.clear()

    @property
    def reports(self) -> list[Report]:
        """Reports not yet delivered, those in flight included."""
        return [*self.in_flight.reports, *self._reports]

    def add(self, report: Report, young_until: float = 0.0) -> bool:
        """Take a report; false if it is here already. Until that time it may wait for the run's next one."""
        key = _key(report)
        if (key, report.seq) in self._seen:
            return False
        self._seen.add((key, report.seq))
        self._reports.append(report)
        if young_until:
            self._young[key] = young_until
        else:
            self._young.pop(key, None)
        return True

    def waits_until(self) -> float | None:
        """When the next report has to go, 0 for now; `None` if there is none."""
        return min((self._young.get(_key(report), 0.0) for report in self.reports), default=None)

    def add_logs(self, key: Key, first: int, records: Iterable[Message]) -> None:
        """Take log records from the keeper."""
        self._tail(key).add(first, records)

    def add_notes(self, key: Key, lines: Iterable[str]) -> None:
        """Put lines of the worker's own into the log of an attempt that the keeper does not have."""
        self._tail(key).say(logging.INFO, lines)

    def add_batch(self, batch: LogBatch) -> None:
        """Take a batch that a predecessor left on disk."""
        last = batch.seq + len(batch.records) - 1
        size = len(batch.model_dump_json())
        self._ready.append(Piece(batch.run, batch.attempt, batch.seq, last, size, tuple(batch.records)))

    def take_over(self, key: Key, delivered: int, marks: Iterable[tuple[int, int]]) -> None:
        """A predecessor delivered this many records, and may have sent more, in the batches of `marks`."""
        self._tail(key).take_over(delivered, marks)

    def forget(self, key: Key) -> None:
        """Nothing more will come of this attempt but what the keeper still has of its log."""
        self._over.add(key)
        self._young.pop(key, None)
        self._drop_empty()
        self._seen = {name for name in self._seen if name[0] != key}

    def next_batch(self, *, with_logs: bool = True, now: float | None = None) -> Batch:
        """The next batch, now in flight: reports first, then logs of all runs in turn.

        Given the time, it leaves out what may wait: start and end of a short run are then told, and written, at once.
        """
        reports: list[Report] = []
        waiting: list[Report] = []
        size = 0
        while self._reports and len(reports) < REPORTS:
            report = self._reports[0]
            if now is not None and self._young.get(_key(report), 0.0) > now:
                waiting.append(self._reports.popleft())
                continue
            cost = len(report.model_dump_json())
            if reports and size + cost > self._now_most:
                break
            reports.append(self._reports.popleft())
            size += cost
        self._reports.extendleft(reversed(waiting))
        pieces = self._pieces(self._now_most - size, bool(reports)) if with_logs else ()
        self.in_flight = Batch(tuple(reports), tuple(pieces))
        return self.in_flight

    def delivered(self, *, slowly: bool = False) -> Batch:
        """What was in flight has arrived; the next batch carries more, or less if that took long."""
        batch, self.in_flight = self.in_flight, Batch()
        if not slowly:
            self._now_most = min(self._most, self._now_most * 2)
        elif batch.pieces:
            self._now_most = max(min(LEAST_FAST, self._now_most), self._now_most // 2)
        self._drop_empty()
        return batch

    def returned(self) -> None:
        """What was in flight goes back to the front, to be sent anew."""
        batch, self.in_flight = self.in_flight, Batch()
        self._reports.extendleft(reversed(batch.reports))
        self._ready.extendleft(reversed(batch.pieces))

    def split(self) -> Batch:
        """It was too large: smaller batches next time. Gives what is dropped if nothing else helps."""
        batch = self.in_flight
        alone = len(batch.reports) + len(batch.pieces) == 1
        self.returned()
        self._now_most = max(LEAST, self._now_most // 2)
        if not alone:
            if self._now_most == LEAST:
                self._now_most = 1
            return Batch()
        if batch.reports:
            self._reports[0] = smaller = _smaller(batch.reports[0])
            return Batch(reports=(self._reports.popleft(),)) if smaller == batch.reports[0] else Batch()
        piece = self._ready.popleft()
        if len(piece.records) <= 1:
            return Batch(pieces=(piece,))
        self._ready.extendleft(reversed(piece.halves()))
        return Batch()

    def _pieces(self, room: int, crowded: bool) -> Iterable[Piece]:
        count = 0
        while self._ready and count < BATCHES and (room >= self._ready[0].size or not (crowded or count)):
            piece = self._ready.popleft()
            room -= piece.size
            count += 1
            yield piece
        tails = [tail for tail in self._in_turn() if tail]
        share = _share([tail.size for tail in tails], room)
        for tail in tails:
            if count >= BATCHES or self._ready or (room <= 0 and (crowded or count)):
                return
            if piece_or_none := tail.take(max(share, 1)):
                room -= piece_or_none.size
                count += 1
                self._served = (tail.run, tail.attempt)
                yield piece_or_none

    def _in_turn(self) -> list[LogTail]:
        """All tails, beginning behind the one that was served last."""
        keys = list(self._tails)
        start = keys.index(self._served) + 1 if self._served in self._tails else 0
        return [self._tails[key] for key in keys[start:] + keys[:start]]

    def _drop_empty(self) -> None:
        for key in [key for key in self._over - self._expected if not self._tails.get(key)]:
            self._tails.pop(key, None)
            self._over.discard(key)

    def _tail(self, key: Key) -> LogTail:
        if key not in self._tails:
            self._tails[key] = LogTail(*key)
        return self._tails[key]


def _share(sizes: list[int], room: int) -> int:
    """The most that each may take so that all together fit: who needs less leaves the rest to the others."""
    for before, size in enumerate(sorted(sizes)):
        share = room // (len(sizes) - before)
        if size > share:
            return share
        room -= size
    return max(sizes, default=0)


def _key(report: Report) -> Key:
    return (report.run, report.attempt)


def _smaller(report: Report) -> Report:
    """The same report without what can be spared."""
    changes: dict[str, object] = {}
    if report.result is not None:
        changes["result"] = None
        changes["message"] = clip(
            f"{report.message or ''} (The result was too large to be stored.)".strip(), 10_000
        )
    elif report.error is not None and (report.error.traceback or report.error.hint):
        changes["error"] = report.error.model_copy(update={"traceback": None, "hint": None})
    return report.model_copy(update=changes) if changes else report
