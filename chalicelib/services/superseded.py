"""Occurrences that shall not run any more since a later one is due: skipped by the tick, minute by minute.

The claim decides the same. But where no worker was online for a day, it would have to go through all that
piled up before it comes upon the one that shall run.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.domain.deployments import ScheduleRecord, spec_of
from chalicelib.domain.eligibility import Answer, judge
from chalicelib.domain.schedules import occurrence_id, occurrences
from chalicelib.services.facts import gather
from chalicelib.services.lines import Lines
from chalicelib.services.occurrences import PER_TICK, latest
from chalicelib.services.ports import Ports
from chalicelib.services.put_away import PutAway

PASSED = timedelta(seconds=150)
"""So far back a tick looks; it comes each minute. Of a schedule with longer steps it looks at the last but one."""
FURTHEST = timedelta(days=60)
_ONE = timedelta(microseconds=1)


class Superseded:
    """Skips them."""

    def __init__(self, ports: Ports, lines: Lines, away: PutAway) -> None:
        self._ports = ports
        self._lines = lines
        self._away = away

    def skip_of(self, schedule: ScheduleRecord) -> None:
        """Skip what a later occurrence of this schedule stands for, as far as its catch-up policy says so."""
        if schedule.catchup == "all":
            return
        passed = self._passed(schedule, self._ports.clock())
        ids = [occurrence_id(schedule.deployment_id, schedule.slug, instant) for instant in passed]
        found = self._ports.runs.read_many(ids, consistent=False).values()
        waiting = [run for run in found if run.is_untouched_occurrence]
        if not waiting:
            return
        view = self._ports.pools.view(waiting[0].work_pool_name or "")
        facts = gather(self._ports, view, waiting)
        left: set[str] = set()
        for run in waiting:
            judgement = judge(run, facts)
            if judgement.answer is Answer.SKIP:
                left.update(self._away.put_away(run, judgement, facts))
        self._lines.promote(sorted(left))

    def _passed(self, schedule: ScheduleRecord, now: datetime) -> list[datetime]:
        """Those before the last that is due."""
        spec = spec_of(schedule)
        recent = occurrences(spec, now - PASSED, now, limit=PER_TICK)
        if len(recent) > 1:
            return recent[:-1]
        last = latest(spec, now - FURTHEST, now)
        return latest(spec, now - FURTHEST, last[0] - _ONE) if last else []
