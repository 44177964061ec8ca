"""The conversation with the control plane: what the next call says, and what an answer or a failure means."""

from __future__ import annotations

import os
import platform
import socket
from collections import deque
from collections.abc import Sequence
from uuid import UUID, uuid4

from headrace import __version__
from headrace.contract.sync import LogBatch, Report, SyncRequest
from headrace.contract.workers import Register, Registered, RunRef, WorkerInfo
from headrace.worker.courier import Courier
from headrace.worker.events import Rung
from headrace.worker.journal import Journal
from headrace.worker.options import WorkerOptions
from headrace.worker.outbox import Batch, Outbox
from headrace.worker.timing import COMPANY, LOGS_WAIT, Timing, logs_wait

HINTS = 100
SLOW = 0.1
"""Seconds that a sync takes longer with logs than others do without, and the next one carries less of them: all
else waits for it."""
USUAL = 15
"""Syncs without logs whose median is the usual time."""
MANY_BYTES = 128_000
"""Of logs, that go soon: a keeper hands out four times as much of a run's before it waits."""


class Dialogue:
    """One session after another; of each, one call at a time."""

    def __init__(self, options: WorkerOptions, courier: Courier, outbox: Outbox, journal: Journal) -> None:
        self.timing = Timing()
        self.session: UUID | None = None
        self.registered: Registered | None = None
        self.seq = 0
        self._options = options
        self._courier = courier
        self._outbox = outbox
        self._journal = journal
        self._register: Register | None = None
        self._request: SyncRequest | None = None
        self._revision: int | None = None
        self._heard: int | None = None
        self._asks_again = False
        self._legacy: list[RunRef] | None = None
        self._told_logs = self._left_logs = False
        self._usual: deque[float] = deque(maxlen=USUAL)
        self._rungs: list[Rung] = []
        self._asked: list[Rung] = []

    @property
    def open(self) -> bool:
        """Whether there is a session."""
        return self.registered is not None

    @property
    def idle(self) -> bool:
        """Whether nothing is under way or left to tell; a failed call that tells nothing is not waited for."""
        return not (self.timing.flying or self._outbox or self._outbox.awaits)

    @property
    def delivering(self) -> bool:
        """Whether what a predecessor left is being told in its session."""
        return self._legacy is not None

    def deliver_for(self, predecessor: UUID, held: Sequence[RunRef]) -> None:
        """Before a session of our own: tell in its predecessor's, which held these runs, what that could not.

        In any other session its reports are of no worth, and a session that is succeeded is closed.
        """
        self.session, self.seq, self._legacy = predecessor, 0, list(held)
        self.timing.soon()

    def join(self, predecessor: UUID | None, lost: Sequence[RunRef]) -> None:
        """Open a session, as soon as the loop calls `go`."""
        info = WorkerInfo(
            type=self._options.type,
            version=__version__,
            host=socket.gethostname(),
            pid=os.getpid(),
            platform=platform.platform()[:300],
            python=platform.python_version(),
            limit=self._options.limit,
            work_queues=list(self._options.work_queues),
        )
        given = {"predecessor": predecessor, "lost": list(lost)} if predecessor else {}
        self._register = Register.model_validate({"session": uuid4(), "info": info, **given})
        self.session = self.registered = self._request = self._legacy = self._heard = None
        self._outbox.returned()
        self.timing.rejected()

    def join_later(self, seconds: float) -> None:
        """The control plane refused for now: ask for the same session again then."""
        self.timing.never()
        self.timing.soon(seconds)

    def abandon(self) -> None:
        """No session, and none is wanted any more."""
        self._outbox.returned()
        self.registered = self._register = self._request = self._legacy = None
        self.timing.never()

    def resume(self, registered: Registered, seq: int) -> None:
        """Go on with a session that a worker before us had; `seq` is the last number it used."""
        self.registered, self.session, self.seq = registered, registered.session, seq
        self._register, self._revision = None, None
        self.timing.soon()

    def joined(self, registered: Registered) -> float | None:
        """The session is open; gives for how long the control plane was away, if it was."""
        self.registered, self.session, self.seq = registered, registered.session, 0
        self._register, self._revision = None, registered.pool_revision
        away = self.timing.answered(registered.idle_sync_seconds)
        self.timing.soon()
        return away

    def deliver(self, report: Report, *, urgent: bool) -> None:
        """Tell this, at once or with a little company."""
        if self._outbox.add(report, 0.0 if urgent else self.timing.now() + COMPANY):
            self.timing.soon(0.0 if urgent else COMPANY)
            if self.timing.away_since is not None:
                self._journal.add([report])

    def logs_came(self, age: float) -> None:
        """There are log records to tell, of a run of this age."""
        self.timing.soon(LOGS_WAIT if self._outbox.log_bytes >= MANY_BYTES else logs_wait(age))

    def rung(self, rung: Rung) -> None:
        """Ask about this run."""
        self._rungs.append(rung)
        self.timing.soon()

    def ask_for_queues(self) -> None:
        """The pool changed: have the next sync, now, tell its queues. Without a session: its opening tells."""
        if self.open:
            self._revision = None
            self._asks_again = self._request is not None
            self.timing.soon()

    def unasked(self) -> list[Rung]:
        """Doorbells that will not be asked about any more."""
        rungs, self._rungs = self._rungs, []
        return rungs

    def go(self, slots: int, want: int, held: list[RunRef], *, brisk: bool = False) -> Batch | None:
        """Make the next call; gives the batch that a sync carries. `brisk`: the one after it is near."""
        if self._register is not None:
            self._courier.register(self._register)
            self.timing.sent()
            return None
        if self._request is None:
            self._request = self._compose(slots, want, held, brisk=brisk)
        within = self.registered.lease_seconds / 3 if self.registered else 30.0
        self._courier.sync(self._request, timeout=max(2.0, min(30.0, within)))
        self.timing.sent()
        return self._outbox.in_flight

    def answered(self, revision: int, next_within: float) -> tuple[Batch, list[Rung], float | None]:
        """What was delivered, the doorbells that were asked about, and for how long the control plane was away."""
        self._request = None
        self._revision = None if self._asks_again else revision
        self._heard = self.seq
        batch = self._outbox.delivered(slowly=self._was_slow())
        away = self.timing.answered(next_within)
        asked, self._asked = self._asked, []
        if not self._outbox:
            self._journal.clear()
        if self._rungs or self._asks_again:
            self._asks_again = False
            self.timing.soon()
        elif (until := self._outbox.waits_until()) is not None:
            self.timing.soon(max(0.0, until - self.timing.now()))
        if self._left_logs:
            self.timing.soon(COMPANY)
        return batch, asked, away

    def failed(self) -> bool:
        """No answer: the same again, later. Gives whether this is the first failure."""
        news = self.timing.failed()
        if news:
            self._journal.add(self._outbox.reports)
        return news

    def too_large(self) -> Batch:
        """The control plane refused the size or the content: smaller next time. Gives what is dropped for ever."""
        self._request = None
        self._rungs = [*self._asked, *self._rungs]
        self._asked = []
        self.seq -= 1
        dropped = self._outbox.split()
        self.timing.rejected()
        return dropped

    def leave_undelivered(self) -> int:
        """Put all that is left into the journal; gives how many reports and log batches that are."""
        self._outbox.returned()
        self._outbox.cut_off()
        reports = self._outbox.reports
        logs: list[LogBatch] = []
        while batch := self._outbox.next_batch():
            logs += batch.logs()
            self._outbox.delivered()
        self._journal.clear()
        self._journal.add(reports, logs)
        self._journal.close()
        return len(reports) + len(logs)

    def _was_slow(self) -> bool:
        took = self.timing.took()
        if not self._told_logs:
            self._usual.append(took)
        usual = sorted(self._usual)[len(self._usual) // 2] if self._usual else 0.0
        return took > usual + SLOW

    def _compose(self, slots: int, want: int, held: list[RunRef], *, brisk: bool) -> SyncRequest:
        if self.session is None:
            raise AssertionError("a sync needs a session")
        if self._legacy is not None:
            want, held = 0, self._legacy
        self.seq += 1
        self._asked, self._rungs = self._rungs[:HINTS], self._rungs[HINTS:]
        # A run that waits to be claimed is worth more than log records, of which there may be very many.
        with_logs = not (self._asked and self._told_logs)
        batch = self._outbox.next_batch(with_logs=with_logs, now=self.timing.now() if brisk else None)
        self._told_logs, self._left_logs = bool(batch.pieces), self._outbox.has_logs
        body = {
            "session": self.session,
            "seq": self.seq,
            "slots": slots,
            "want": want,
            "held": held,
            "hints": list(dict.fromkeys(rung.run for rung in self._asked)),
            "reports": list(batch.reports),
            "logs": batch.logs(),
        }
        if self._revision is not None:
            body["pool_revision"] = self._revision
        if self._heard is not None:
            body["heard"] = self._heard
        return SyncRequest.model_validate(body)
