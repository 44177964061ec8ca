"""Which runs may start, worked out from the whole table and without the code under test."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.domain.runs import Run
from headrace.contract.states import StateType
from tests.support.world import World, limits_of

EARLY = timedelta(seconds=1.5)
PERIOD = timedelta(seconds=60)
"""Every schedule of these tests runs each minute."""


def order(run: Run, world: World) -> tuple[int, datetime, str]:
    """The place of a run among those of its pool."""
    queue = world.queues[run.work_pool_name or "", run.work_queue_name or ""]
    return queue.priority, run.due, str(run.id)


def may_start(run: Run, world: World, now: datetime) -> bool:
    """Whether nothing holds the run back."""
    return (
        run.state.type is StateType.SCHEDULED
        and run.due <= now + EARLY
        and _has_a_place(run, world)
        and not _is_paused(run, world)
        and _is_wanted(run, world, now)
        and all(_has_room(run, world, name) for name in limits_of(run, world))
    )


def _has_a_place(run: Run, world: World) -> bool:
    place = (run.work_pool_name or "", run.work_queue_name or "")
    return place in world.queues and run.deployment_id in world.deployments


def _is_paused(run: Run, world: World) -> bool:
    pool, queue = run.work_pool_name or "", run.work_queue_name or ""
    deployment = world.deployments[run.deployment_id] if run.deployment_id else None
    held_back = (
        world.pools[pool].is_paused,
        world.queues[pool, queue].is_paused,
        deployment and deployment.paused,
    )
    return any(held_back)


def _has_room(run: Run, world: World, name: str) -> bool:
    limit = world.limits[name]
    return run.id in limit.holders or len(limit.holders) < (limit.maximum or 0)


def is_stale(run: Run, world: World) -> bool:
    """Whether its schedule made it and has been changed since, and it never started."""
    if run.schedule_revision is None or run.run_count:
        return False
    schedule = world.schedules[run.deployment_id, run.schedule_slug or ""]  # type: ignore[index]
    return schedule.deleted or schedule.revision != run.schedule_revision


def _is_wanted(run: Run, world: World, now: datetime) -> bool:
    """Whether no rule of its schedule drops it."""
    if run.schedule_revision is None or run.run_count:
        return True
    if is_stale(run, world):
        return False
    schedule = world.schedules[run.deployment_id, run.schedule_slug or ""]  # type: ignore[index]
    if schedule.max_lateness is not None and now - run.due > timedelta(seconds=schedule.max_lateness):
        return False
    if schedule.catchup == "all" or run.due > now or run.occurrence is None:
        return True
    if run.occurrence + PERIOD <= now:
        return False
    return schedule.catchup != "none" or now - run.due <= timedelta(seconds=60)
