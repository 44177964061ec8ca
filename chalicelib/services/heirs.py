"""Runs that wait when their schedule changes become those of its next revision, or go.

A schedule changes with its deployment, too: what its runs are made of is the deployment's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.domain.deployments import Deployment, ScheduleRecord, spec_of
from chalicelib.domain.eligibility import Facts, is_stale, outdated
from chalicelib.domain.errors import NotFound
from chalicelib.domain.names import stamp
from chalicelib.domain.pools import PoolView
from chalicelib.domain.runs import Run
from chalicelib.domain.schedules import ScheduleSpec, occurrence_id, occurrences, runs_at
from chalicelib.domain.succession import is_going
from chalicelib.services.dropping import drop
from chalicelib.services.facts import gather
from chalicelib.services.lines import Lines
from chalicelib.services.occurrences import LOOKAHEAD, MOST, Occurrences
from chalicelib.services.ports import Ports
from chalicelib.storage.run_lanes import lane_of, of_deployment


class Heirs:
    """Hands runs over to the next revision."""

    def __init__(self, ports: Ports, lines: Lines, occurrences: Occurrences) -> None:
        self._ports = ports
        self._lines = lines
        self._occurrences = occurrences

    def drop_upcoming(self, old: Sequence[ScheduleRecord]) -> None:
        """Drop the runs that these schedules made and nobody started."""
        for run in self.upcoming_runs(old):
            drop(self._ports, run, outdated(run))

    def hand_over(
        self, deployment: Deployment, old: Sequence[ScheduleRecord], new: Sequence[ScheduleRecord]
    ) -> None:
        """After a change: runs that wait become the new revisions' where these have their moments; the rest goes.

        They are renewed in place, so that none is away for a moment. Then those still missing are made.
        """
        heirs = {schedule.slug: (schedule, spec_of(schedule)) for schedule in new if is_going(schedule)}
        view = self._occurrences.place(deployment) if heirs else None
        there, moved = set(), []
        for run in self.upcoming_runs(old):
            heir, spec = heirs.get(run.schedule_slug or "", (None, None))
            wanted = self._wanted(deployment, heir, spec, run, view) if heir and spec else None
            if wanted:
                try:
                    before, after = self._occurrences.renewed(wanted, run)
                except NotFound:
                    continue  # a claim has deleted it: it is made again
                there.add(run.id)
                moved += [after] if _stands(before) != _stands(after) else []
            else:
                drop(self._ports, run, outdated(run))
        self._lines.ring(moved, view)
        for schedule in new:
            self._occurrences.materialise(deployment, schedule, there)

    def up_to_date(self, view: PoolView, runs: list[Run]) -> tuple[list[Run], Facts]:
        """Runs of one pool with what is to be known of them, those as well that wait since before a change.

        One that belongs elsewhere now, or comes due at another time, is rung for and left out.
        """
        facts = gather(self._ports, view, runs)
        stale = {run.id: self.brought_up(run) for run in runs if is_stale(run, facts)}
        if not stale:
            return runs, facts
        moved = {run.id for run in runs if run.id in stale and _stands(run) != _stands(stale[run.id])}
        self._lines.ring([stale[run] for run in moved])
        here = [stale.get(run.id, run) for run in runs if run.id not in moved]
        return here, gather(self._ports, view, here)

    def brought_up(self, run: Run) -> Run:
        """A run that came back before its first start, as its schedule makes it by now.

        What the schedule does not make any more stays as it is.
        """
        if run.run_count or not (run.schedule_revision and run.deployment_id):
            return run
        schedule = self._ports.deployments.schedule(run.deployment_id, run.schedule_slug or "")
        if schedule is None or not is_going(schedule) or schedule.revision == run.schedule_revision:
            return run
        deployment = self._ports.deployments.read(run.deployment_id)
        view = self._occurrences.place(deployment) if deployment else None
        wanted = self._wanted(deployment, schedule, spec_of(schedule), run, view) if deployment else None
        try:
            return self._occurrences.renewed(wanted, run)[1] if wanted else run
        except NotFound:
            return run

    def _wanted(
        self,
        deployment: Deployment,
        schedule: ScheduleRecord,
        spec: ScheduleSpec,
        run: Run,
        view: PoolView | None,
    ) -> Run | None:
        """A waiting run as its schedule makes it by now; None if it has that moment no more.

        Where the deployment's queue is gone (no `view`) a run that was moved away in time stays where it is.
        """
        if run.occurrence is None or not runs_at(spec, run.occurrence):
            return None
        wanted = self._occurrences.as_made_now(deployment, schedule, run.occurrence, self._ports.clock())
        if view is not None:
            return wanted
        own = self._ports.pools.view(run.work_pool_name or "")
        if own is None or run.work_queue_name not in own.queues:
            return None
        return replace(wanted, work_pool_name=run.work_pool_name, work_queue_name=run.work_queue_name)

    def upcoming_runs(self, old: Sequence[ScheduleRecord]) -> list[Run]:
        """Runs that these schedules made, of their revision or an older one, and that nobody started.

        Those of the look-ahead are found by their ids (jitter may make one due long after its moment), those that
        wait for longer among the deployment's latest runs. Any that waits behind so many is deleted by the claim
        that comes upon it.
        """
        now = self._ports.clock()
        known = {(one.deployment_id, one.slug): one for one in old if not one.deleted}
        ids: list[UUID] = []
        for schedule in known.values():
            if schedule.active:
                first = now - LOOKAHEAD - timedelta(seconds=schedule.jitter)
                instants = occurrences(spec_of(schedule), first, now + 2 * LOOKAHEAD, limit=MOST)
                ids += [occurrence_id(schedule.deployment_id, schedule.slug, instant) for instant in instants]
        for owner in {schedule.deployment_id for schedule in known.values()}:
            high = f"{stamp(now)}~"
            rows = self._ports.runs.history(of_deployment(owner), high=high, forward=False, limit=MOST)
            late = self._ports.runs.read_many([run for run, _ in rows], consistent=False).values()
            ids += [run.id for run in late if _is_of(run, known)]
        return [run for run in self._ports.runs.read_many(ids).values() if _is_of(run, known)]


def _stands(run: Run) -> tuple[str | None, datetime]:
    return lane_of(run), run.due


def _is_of(run: Run, schedules: Mapping[tuple[UUID, str], ScheduleRecord]) -> bool:
    """Whether one of these schedules made it and it waits for its first start."""
    if run.deployment_id is None or run.schedule_slug is None or run.run_count:
        return False
    schedule = schedules.get((run.deployment_id, run.schedule_slug))
    return schedule is not None and run.is_as_scheduled(schedule.revision)
