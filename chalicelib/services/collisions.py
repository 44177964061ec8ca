"""Runs that shall not wait for those of their schedule or deployment: decided by the tick, minute by minute.

The claim decides the same, of what a worker with a free slot comes upon. But where all slots are taken no
worker asks: then an overlap would not be skipped, and a run that hangs would never be cancelled for the next.
Only where a limit is full is anything read, and no more because much is over or waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.domain.deployments import CANCEL_NEW, ScheduleRecord, spec_of
from chalicelib.domain.eligibility import Answer, judge
from chalicelib.domain.limits import Slots
from chalicelib.domain.names import stamp
from chalicelib.domain.runs import Run
from chalicelib.domain.schedules import occurrence_id, occurrences
from chalicelib.domain.succession import is_going
from chalicelib.services.facts import gather
from chalicelib.services.occurrences import MOST, PER_TICK, latest
from chalicelib.services.ports import Ports
from chalicelib.services.put_away import PutAway
from chalicelib.services.superseded import FURTHEST, PASSED
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
        found = self._ports.runs.read_many(ids, consistent=False).values()
        waiting = [run.id for run in found if run.state.type is StateType.SCHEDULED and not run.attempt]
        by_pool: dict[str, list[Run]] = {}
        for run in self._ports.runs.read_many(waiting).values():  # as it is now: others are cancelled for it
            by_pool.setdefault(run.work_pool_name or "", []).append(run)
        for pool, runs in by_pool.items():
            self._decide(pool, runs, until)

    def _decide(self, pool: str, runs: list[Run], until: datetime) -> None:
        facts = gather(self._ports, self._ports.pools.view(pool), runs)
        for run in runs:
            judgement = judge(run, facts)
            if judgement.answer is Answer.SKIP or judgement.cancel:
                self._away.put_away(run, judgement, facts)
            if self._ports.clock() >= until:
                return

    def _of_schedules(self, names: Iterable[str]) -> Iterator[UUID]:
        """The runs of what came due of schedules a short while ago, or last."""
        parts = [name.partition("/") for name in names]
        slugs = [(UUID(owner), slug) for owner, _, slug in parts]
        for schedule in self._ports.deployments.schedules_by_slug(slugs).values() if slugs else ():
            if is_going(schedule) and schedule.overlap != "allow":
                for instant in _due(schedule, self._ports.clock()):
                    yield occurrence_id(schedule.deployment_id, schedule.slug, instant)

    def _of_deployments(self, owners: Iterable[UUID]) -> Iterator[UUID]:
        """The runs that came due a short while ago of those deployments that have new ones give way."""
        now = self._ports.clock()
        for deployment in self._ports.deployments.read_many(set(owners)).values():
            if deployment.collision_strategy == CANCEL_NEW:
                history, low, high = f"DEPLOYMENT#{deployment.id}", stamp(now - PASSED), f"{stamp(now)}~"
                rows = self._ports.runs.history(history, low=low, high=high, forward=False, limit=MOST)
                yield from (run for run, _ in rows)


def _due(schedule: ScheduleRecord, now: datetime) -> list[datetime]:
    """Of what came due: by jitter, that may be long after its moment."""
    spec = spec_of(schedule)
    recent = occurrences(spec, now - PASSED - timedelta(seconds=schedule.jitter), now, limit=MOST)
    return recent[-PER_TICK:] or latest(spec, now - FURTHEST, now)
