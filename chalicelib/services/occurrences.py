"""Occurrences: schedules turned into runs a little ahead of time.

An occurrence is a run whose id is derived from deployment, slug and UTC instant, made in one
transaction with the check that the schedule's revision is unchanged: exactly one run, whatever is
repeated, concurrent, late or redeployed in between.
"""

from __future__ import annotations

import logging
from collections.abc import Container
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.domain import drafts, parameters
from chalicelib.domain.deployments import Deployment, ScheduleRecord, spec_of
from chalicelib.domain.errors import NotFound
from chalicelib.domain.pools import PoolView
from chalicelib.domain.runs import Run
from chalicelib.domain.schedules import (
    ScheduleSpec,
    jittered,
    next_after,
    occurrence_id,
    occurrences,
    to_skip,
)
from chalicelib.services.lines import Lines
from chalicelib.services.ports import Ports

log = logging.getLogger("headrace.schedules")
LOOKAHEAD = timedelta(minutes=3)
"""How far ahead runs are made: three ticks, so that one may be late or missing."""
PER_TICK = 200
"""Occurrences of one schedule that one tick makes; the next goes on."""
MOST = 1000
"""Rows of a preview or a verification; of longer periods one asks in parts."""
_WINDOWS = [timedelta(minutes=2), timedelta(hours=2), timedelta(days=2), timedelta(days=60)]
TRIES = 3
"""Of making one run, where somebody deletes and makes it at the same moment."""
_ONE = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One occurrence and its one run, if there is one."""

    instant: datetime
    run_id: UUID
    run: Run | None


class Occurrences:
    """Makes the runs of schedules, previews and verifies them."""

    def __init__(self, ports: Ports, lines: Lines) -> None:
        self._ports = ports
        self._lines = lines

    def due(self, limit: int = 500) -> list[tuple[Deployment, ScheduleRecord]]:
        """The schedules whose next time has come near, for `materialise`."""
        until = self._ports.clock() + LOOKAHEAD
        rows = self._ports.deployments.due_schedules(until, limit)
        records = self._ports.deployments.schedules_by_slug(rows)
        owners = self._ports.deployments.read_many({owner for owner, _ in rows})
        return [(owners[row[0]], records[row]) for row in rows if row in records and row[0] in owners]

    def materialise(
        self, deployment: Deployment, schedule: ScheduleRecord, there: Container[UUID] = ()
    ) -> None:
        """Make the runs of one schedule up to the look-ahead, ring them, and move its next due time.

        Those `there` are known to be right.
        """
        now = self._ports.clock()
        if not schedule.active or schedule.deleted or schedule.next_due is None:
            return
        if schedule.next_due > now + LOOKAHEAD:
            return
        spec = spec_of(schedule)
        view = self.place(deployment)
        if view is None:
            self._move_on(schedule, next_after(spec, max(schedule.next_due - _ONE, now)))
            return
        instants, last = self._instants(schedule, schedule.next_due - _ONE, now)
        made = []
        for instant in instants:
            run = self.as_made_now(deployment, schedule, instant, now)
            if run.id not in there and self._made(run, schedule):
                made.append(run)
        self._lines.ring(made, view)
        self._move_on(schedule, next_after(spec, last))

    def place(self, deployment: Deployment) -> PoolView | None:
        """The pool where its runs would wait; None if it or the queue is gone: nobody would ever start them."""
        pool = deployment.work_pool_name
        view = self._ports.pools.view(pool) if pool else None
        if view is not None and deployment.work_queue_name in view.queues:
            return view
        queue = f"{pool}/{deployment.work_queue_name}"
        log.warning("No runs are made of %s: its queue %s is gone.", deployment.full_name, queue)
        return None

    def _move_on(self, schedule: ScheduleRecord, coming: datetime | None) -> None:
        if coming != schedule.next_due:
            self._ports.deployments.advance(schedule, coming)

    def upcoming(
        self, schedule: ScheduleRecord, start: datetime, end: datetime, limit: int
    ) -> list[datetime]:
        """Times of a schedule in a window, computed."""
        return occurrences(spec_of(schedule), start - _ONE, end, limit=min(limit, MOST))

    def verify(
        self, schedule: ScheduleRecord, start: datetime, end: datetime, limit: int
    ) -> list[Occurrence]:
        """The first occurrences of a period, each with its one run."""
        instants = self.upcoming(schedule, start, end, limit)
        ids = [occurrence_id(schedule.deployment_id, schedule.slug, instant) for instant in instants]
        found = self._ports.runs.read_many(ids)
        return [Occurrence(at, run, found.get(run)) for at, run in zip(instants, ids, strict=True)]

    def _instants(
        self, schedule: ScheduleRecord, after: datetime, now: datetime
    ) -> tuple[list[datetime], datetime]:
        """The occurrences to make now: what is due by the catch-up policy, and what comes soon.

        With them the last one decided about, made or missed: the schedule goes on after it.
        """
        spec = spec_of(schedule)
        if schedule.catchup == "all":
            found = occurrences(spec, after, now + LOOKAHEAD, limit=PER_TICK)
            return found, found[-1] if found else after
        certain = now - timedelta(seconds=schedule.jitter)
        past = latest(spec, after, certain) + occurrences(spec, max(after, certain), now, limit=MOST)
        due = [_due(schedule, instant) for instant in past]
        skips = to_skip(due, now, catchup=schedule.catchup, max_lateness=schedule.max_lateness)
        skipped = {skip.due for skip in skips}
        coming = occurrences(spec, max(after, now), now + LOOKAHEAD, limit=PER_TICK)
        kept = [instant for instant, start in zip(past, due, strict=True) if start not in skipped]
        return kept + coming, [after, *past, *coming][-1]

    def as_made_now(
        self, deployment: Deployment, schedule: ScheduleRecord, instant: datetime, now: datetime
    ) -> Run:
        """The run of an occurrence, not written yet."""
        run = drafts.draft(
            deployment,
            occurrence_id(deployment.id, schedule.slug, instant),
            _due(schedule, instant),
            now,
            name=self._ports.new_name(),
            parameters=parameters.merge_defaults(deployment.parameters, schedule.parameters),
            tags=["auto-scheduled"],
        )
        return replace(
            run,
            auto_scheduled=True,
            schedule_slug=schedule.slug,
            schedule_revision=schedule.revision,
            occurrence=instant,
        )

    def _made(self, run: Run, schedule: ScheduleRecord) -> bool:
        """Whether its run was made, or became this revision's, just now."""
        for _ in range(TRIES):
            if self._ports.runs.create_occurrence(run, schedule):
                return True
            try:
                before, after = self.renewed(run)
            except NotFound:
                continue  # a claim has deleted it meanwhile, or the schedule is of another revision
            return after is not before
        return False

    def renewed(self, wanted: Run, seen: Run | None = None) -> tuple[Run, Run]:
        """A run of this occurrence that an older revision made and nobody started becomes this revision's.

        Before and after, the same if it is something else. Raises `NotFound`.
        """
        revision = (wanted.schedule_revision or 0) - 1

        def how(found: Run) -> Run | None:
            is_old = found.is_as_scheduled(revision) and not found.run_count
            return drafts.renewed(found, wanted) if is_old else None

        return self._ports.runs.change(wanted.id, how, seen)


def _due(schedule: ScheduleRecord, instant: datetime) -> datetime:
    """When the run of an occurrence is to start."""
    return jittered(instant, schedule.jitter, f"{schedule.deployment_id}/{schedule.slug}")


def latest(spec: ScheduleSpec, after: datetime, now: datetime) -> list[datetime]:
    """The last occurrence due by now, found without walking over all those missed before it."""
    for window in (*_WINDOWS, now - after):
        start = max(after, now - window)
        found = occurrences(spec, start, now, limit=MOST * 200)
        if found or start == after:
            return found[-1:]
    return []
