"""Runs that shall not wait for those of their schedule or deployment, where no claim comes upon them.

A claim decides about what a worker with a free slot comes upon. But where all slots are taken no worker asks:
an overlap would not be skipped, and a run that hangs would never be cancelled for the next. So the tick decides
the same, minute by minute, and what a schedule skips is decided as the earlier run ends, too. Only where a limit
is full is anything read, and no more because much is over or waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.domain.deployments import CANCEL_NEW, ScheduleRecord, spec_of
from chalicelib.domain.eligibility import Answer, Facts, Judgement, judge
from chalicelib.domain.limits import Slots, schedule_limit
from chalicelib.domain.names import stamp
from chalicelib.domain.runs import Run
from chalicelib.domain.schedules import occurrence_id, occurrences
from chalicelib.domain.succession import is_going
from chalicelib.services.facts import gather
from chalicelib.services.occurrences import MOST, PER_TICK, latest
from chalicelib.services.ports import Ports
from chalicelib.services.put_away import PutAway
from chalicelib.services.superseded import FURTHEST, PASSED
from chalicelib.storage.run_lanes import of_deployment
from headrace.contract.states import StateType


class Collisions:
    """Finds runs that came due while a limit of theirs was full, and does what its rule says."""

    def __init__(self, ports: Ports, away: PutAway) -> None:
        self._ports = ports
        self._away = away

    def decide(self, limits: Iterable[Slots], until: datetime) -> None:
        """Skip, or cancel others for, what came due of schedules and deployments whose limit is full, until a time."""
        full = [limit.name.partition(":") for limit in limits if len(limit.holders) >= limit.maximum]
        ids = set(self._of_schedules(name for kind, _, name in full if kind == "schedule"))
        ids.update(self._of_deployments(UUID(name) for kind, _, name in full if kind == "deployment"))
        for run, judgement, facts in self._judged(ids):
            if judgement.answer is Answer.SKIP or judgement.cancel:
                self._away.put_away(run, judgement, facts)
            if self._ports.clock() >= until:
                return

    def end(self, ending: Sequence[tuple[Run, datetime]]) -> list[str]:
        """Before runs, which ended at those times, give their slots back: skip what came due of their schedules.

        The limits with room in whose lines others may wait in their place.
        """
        ended = {key: at for run, at in ending if (key := _keeps_apart(run))}
        schedules = self._ports.deployments.schedules_by_slug(ended) if ended else {}
        ids = set()
        for key, schedule in schedules.items():
            if is_going(schedule) and schedule.overlap == "skip":
                ids.update(_ids(schedule, _recent(schedule, ended[key])))
        left = []
        for run, judgement, facts in self._judged(ids):
            at = ended[run.deployment_id, run.schedule_slug]  # type: ignore[index]
            if judgement.answer is Answer.SKIP and run.due <= at:
                left += self._away.put_away(run, judgement, facts)
        return left

    def _judged(self, ids: Iterable[UUID]) -> Iterator[tuple[Run, Judgement, Facts]]:
        """Those of these runs that wait for their first start, with what is to become of them."""
        found = self._ports.runs.read_many(ids, consistent=False).values()
        waiting = [run.id for run in found if run.state.type is StateType.SCHEDULED and not run.attempt]
        by_pool: dict[str, list[Run]] = {}
        for run in self._ports.runs.read_many(waiting).values():  # as it is now: others are cancelled for it
            if run.work_pool_name:
                by_pool.setdefault(run.work_pool_name, []).append(run)
        for pool, runs in by_pool.items():
            facts = gather(self._ports, self._ports.pools.view(pool), runs)
            yield from ((run, judge(run, facts), facts) for run in runs)

    def _of_schedules(self, names: Iterable[str]) -> Iterator[UUID]:
        """The runs of what came due of schedules a short while ago, or last."""
        parts = [name.partition("/") for name in names]
        slugs = [(UUID(owner), slug) for owner, _, slug in parts]
        for schedule in self._ports.deployments.schedules_by_slug(slugs).values() if slugs else ():
            if is_going(schedule) and schedule.overlap != "allow":
                now = self._ports.clock()
                yield from _ids(
                    schedule, _recent(schedule, now) or latest(spec_of(schedule), now - FURTHEST, now)
                )

    def _of_deployments(self, owners: Iterable[UUID]) -> Iterator[UUID]:
        """The runs that came due a short while ago of those deployments that have new ones give way."""
        now = self._ports.clock()
        for deployment in self._ports.deployments.read_many(set(owners)).values():
            if deployment.collision_strategy == CANCEL_NEW:
                history, low, high = of_deployment(deployment.id), stamp(now - PASSED), f"{stamp(now)}~"
                rows = self._ports.runs.history(history, low=low, high=high, forward=False, limit=MOST)
                yield from (run for run, _ in rows)


def _keeps_apart(run: Run) -> tuple[UUID, str] | None:
    """The schedule whose runs wait for this one, if one does."""
    if not (run.deployment_id and run.schedule_slug and run.occurrence):
        return None
    is_kept = schedule_limit(run.deployment_id, run.schedule_slug) in run.slots
    return (run.deployment_id, run.schedule_slug) if is_kept else None


def _recent(schedule: ScheduleRecord, now: datetime) -> list[datetime]:
    """The moments of a short while. By jitter, one may come due long after its moment."""
    start = now - PASSED - timedelta(seconds=schedule.jitter)
    return occurrences(spec_of(schedule), start, now, limit=MOST)[-PER_TICK:]


def _ids(schedule: ScheduleRecord, instants: Iterable[datetime]) -> list[UUID]:
    return [occurrence_id(schedule.deployment_id, schedule.slug, instant) for instant in instants]
