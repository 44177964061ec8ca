"""Runs that come back to wait after a worker had them: whose queue was deleted, or whose schedule was changed.

The first wait in the pool's default queue instead, the second as their schedule would make them now.

A deletion of a queue is refused while a worker holds a run, settles what waits, and then removes the queue. A run
that is claimed in between, or made, is seen by neither: when it comes back to wait, nobody would look there any
more. So who gives a run back asks whether its queue is there, as it must ring it anyhow; and for a while after a
deletion the tick looks at what still waits there. With its pool gone, too, such a run is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.domain import runs
from chalicelib.domain.eligibility import Answer, judge
from chalicelib.domain.errors import NotFound
from chalicelib.domain.names import DEFAULT_QUEUE
from chalicelib.domain.pools import PoolView
from chalicelib.domain.runs import Run
from chalicelib.domain.transitions import Cause
from chalicelib.services.dropping import drop
from chalicelib.services.facts import gather
from chalicelib.services.heirs import Heirs
from chalicelib.services.lines import QUEUES, Lines
from chalicelib.services.ports import Ports
from chalicelib.services.runs import Runs
from chalicelib.services.waiting import Waiting
from chalicelib.storage.run_lanes import ready_lane
from chalicelib.storage.watermark import Gone, Round
from headrace.contract.states import StateType

PAGE = 100
"""Runs of a queue that one tick looks after."""
SETTLED = timedelta(minutes=5)
"""So long after a deletion a request that began before may still write; an index is long up to date."""
LOOKING = timedelta(seconds=5)
"""So long one tick begins with further queues and lines; the next goes on."""


class Strays:
    """Finds such runs a place."""

    def __init__(self, ports: Ports, lines: Lines, waiting: Waiting, heirs: Heirs, run_service: Runs) -> None:
        self._ports = ports
        self._lines = lines
        self._waiting = waiting
        self._heirs = heirs
        self._runs = run_service

    def back(self, run: Run) -> Run:
        """Ring for a run that came back to wait. The run as it then is: where its queue is gone it goes elsewhere."""
        run = self._heirs.brought_up(run)
        if run.work_pool_name is None:
            return run
        view = self._ports.pools.view(run.work_pool_name)
        if view is None or run.work_queue_name not in view.queues:
            run = self._settled(run, view)
        if view is not None and not self._was_dropped(run, view):
            self._lines.ring([run], view)
        return run

    def _was_dropped(self, run: Run, view: PoolView) -> bool:
        """Whether its schedule does not mean it any more: with no worker there, no claim would come upon it."""
        if run.schedule_revision is None or run.run_count:
            return False
        judgement = judge(run, gather(self._ports, view, [run]))
        if judgement.answer is Answer.GONE:
            drop(self._ports, run, judgement)
        return judgement.answer is Answer.GONE

    def look(self, deleted: Sequence[Gone], before: Round) -> None:
        """The tick's part: what waits in queues that were deleted lately, or in a line for them.

        One round through the lines is for all such queues, and goes on where that of the tick `before` ended.
        Those queues are forgotten that were long deleted as a round began in which nothing was found.
        """
        if not deleted:
            return
        now = self._ports.clock()
        look = replace(before) if before.line else Round(began=now)
        waiting = list(self._left_in(self._queues(deleted), look, now + LOOKING))
        for run in self._ports.runs.read_many(waiting).values():
            if run.state.type is StateType.SCHEDULED:
                self.back(run)
        look.found |= bool(waiting)
        if look.line or before.line:
            self._ports.watermark.note_round(look)
        for gone in deleted:
            if not (look.line or look.found) and look.began - gone.since > SETTLED:
                self._ports.watermark.forget_gone(gone)

    def _queues(self, deleted: Iterable[Gone]) -> set[tuple[str, str]]:
        """Pools and queues that were deleted and not made again."""
        views = {gone.pool: self._ports.pools.view(gone.pool) for gone in deleted}
        names = {(gone.pool, name) for gone in deleted for name in gone.queues}
        return {row for row in names if (view := views[row[0]]) is None or row[1] not in view.queues}

    def _left_in(self, queues: set[tuple[str, str]], look: Round, until: datetime) -> Iterator[UUID]:
        """What waits for them, as far as there is time; `look` then says how far that was, one line at least."""
        for pool, name in sorted(queues):
            yield from (run for run, _ in self._ports.runs.lane(ready_lane(pool, name), limit=PAGE))
            if self._ports.clock() >= until:
                look.found = True  # those behind it were not looked at
                break
        lines = sorted(
            {line for pool in {pool for pool, _ in queues} for line in self._waiting.lines_of(pool)}
        )
        for line in [line for line in lines if line > look.line]:
            for place in self._ports.runs.queues_in_line(line, QUEUES):
                if place in queues:
                    yield from (run for run, _ in self._ports.runs.line(line, *place, limit=PAGE))
            look.line = line
            if self._ports.clock() >= until:
                return
        look.line = ""

    def _settled(self, run: Run, view: PoolView | None) -> Run:
        now = self._ports.clock()

        def how(found: Run) -> Run | None:
            stands = (found.state.type, found.work_pool_name, found.work_queue_name)
            if stands != (StateType.SCHEDULED, run.work_pool_name, run.work_queue_name):
                return None
            if view is not None:
                return replace(found, work_queue_name=DEFAULT_QUEUE, updated=now)
            text = f"Its work pool {run.work_pool_name!r} was deleted before it could start again."
            over = runs.ended(found, StateType.CANCELLED, Cause.RULE, now, message=text, error=found.error)
            return replace(over, expires_at=self._runs.retention())

        try:
            return self._ports.runs.change(run.id, how)[1]
        except NotFound:
            return run
