"""What must hold from step to step of a run's life."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.domain.runs import Run
from chalicelib.domain.schedules import occurrence_id
from headrace.contract.states import StateType
from tests.property.runs import oracle
from tests.property.runs.hands import Hand
from tests.support.plane import Rig
from tests.support.world import World, limits_of


def check_step(before: World, after: World, reran: set[UUID]) -> None:
    """Attempts only rise; what is over stays over unless somebody started it again."""
    for run in after.runs.values():
        old = before.runs.get(run.id)
        if old is None:
            continue
        assert run.attempt >= old.attempt, f"{run.id}: attempt {old.attempt} became {run.attempt}"
        assert run.state.seq >= old.state.seq
        if old.is_terminal and run.id not in reran:
            assert run.state == old.state, f"{run.id} was {old.state.type} and became {run.state.type}"


def check_children(hands: Iterable[Hand], world: World) -> None:
    """No run has two children at once, and a child that lives is of the attempt that the table says."""
    where: dict[str, str] = {}
    for hand in hands:
        for run, attempt in hand.live():
            assert run not in where, f"{run} runs on {where[run]} and as attempt {attempt} on {hand.name}"
            where[run] = f"{hand.name} as attempt {attempt}"
            found = world.runs[UUID(run)]
            assert found.is_held, f"{run} is {found.state.type}, and its child goes on"
            assert (found.attempt, str(found.session)) == (attempt, hand.session)


def check_known(world: World, hands: Iterable[Hand]) -> None:
    """What a live session has by the table, its worker knows of: nothing waits in PENDING for nobody."""
    for hand in hands:
        mine = {str(run.id) for run in world.held() if str(run.session) == hand.session}
        assert mine <= hand.held.keys(), f"{hand.name} does not know of {mine - hand.held.keys()}"


def check_grants(granted: list[str], before: World, after: World, rig: Rig, hand: Hand) -> None:
    """What started was due, not paused, of its schedule's revision, of a served queue, within its limits."""
    for name in granted:
        run = after.runs[UUID(name)]
        known = before.runs.get(run.id)
        if known is not None and known.is_held:
            continue  # granted again: its first answer was lost
        assert run.due <= rig.clock.now + oracle.EARLY, f"{run.id} started before {run.due}"
        assert run.work_pool_name == hand.pool
        assert not hand.queues or run.work_queue_name in hand.queues
        assert not oracle._is_paused(run, before), f"{run.id} started although it is paused"
        assert not oracle.is_stale(run, before), f"{run.id} is of another revision of its schedule"
        assert sorted(run.slots) == sorted(limits_of(run, after)), f"{run.id} started with {run.slots}"
        for limit in run.slots:
            most = after.limits[limit].maximum or 0
            assert len(after.limits[limit].holders) <= most, f"{run.id} started over {limit}"


def check_choice(granted: list[str], want: int, before: World, after: World, rig: Rig, hand: Hand) -> None:
    """Nothing that stood in its queue and could start was left out, or passed over by a later one."""
    news = [after.runs[UUID(run)] for run in granted if not before.runs[UUID(run)].is_held]
    last = max((oracle.order(run, after) for run in news), default=None)
    for run in before.runs.values():
        if not _was_ready(run, before, hand) or run.id not in after.runs:
            continue
        if not oracle.may_start(after.runs[run.id], after, rig.clock.now):
            continue
        assert len(granted) >= want, f"{run.id} could start, and {want - len(granted)} slots are free"
        assert last is None or oracle.order(run, after) > last, f"{run.id} was passed over"


def _was_ready(run: Run, world: World, hand: Hand) -> bool:
    lane = world.lanes[run.id] or ""
    in_line = not lane.startswith("READY#")
    return run.work_pool_name == hand.pool and not in_line and _serves(hand, run)


def _serves(hand: Hand, run: Run) -> bool:
    return not hand.queues or run.work_queue_name in hand.queues


def left_over(world: World, rig: Rig, hands: Iterable[Hand]) -> list[Run]:
    """Runs that could start on a worker that has a slot for them."""
    idle = [hand for hand in hands if not hand.is_over and hand.free]
    return [
        run
        for run in world.runs.values()
        if oracle.may_start(run, world, rig.clock.now)
        and any(hand.pool == run.work_pool_name and _serves(hand, run) for hand in idle)
    ]


def check_why(world: World, rig: Rig) -> None:
    """`why` says that a run can start if and only if it can."""
    for run in world.runs.values():
        if run.state.type is not StateType.SCHEDULED:
            continue
        code = rig.ok("GET", f"/flow_runs/{run.id}/why")["code"]
        can = oracle.may_start(run, world, rig.clock.now)
        assert (code in ("ready", "busy", "no_worker")) == can, f"{run}: {code}, and can start: {can}"


def check_kept(before: World, after: World, deployment: UUID, now: datetime) -> None:
    """A change of a schedule or its deployment keeps what waits and what it still has, as it says now."""
    old, new = (world.schedules.get((deployment, "s")) for world in (before, after))
    if old is None or new is None or old.deleted or new.deleted or not (old.active and new.active):
        return
    second = str(new.spec.get("anchor_date", "0Z"))[-3:-1]
    owner = after.deployments[deployment]
    for run in before.runs.values():
        is_its = run.deployment_id == deployment and run.schedule_revision == old.revision
        if not (is_its and run.is_untouched_occurrence and run.occurrence):
            continue
        if run.occurrence <= now - timedelta(seconds=170) or f"{run.occurrence:%S}" != second:
            continue  # one that waits for long is found by an index, which may lag
        kept = after.runs.get(run.id)
        assert kept is not None, f"the run of {run.occurrence} is lost"
        assert kept.schedule_revision == new.revision
        place = (kept.work_pool_name, kept.work_queue_name, kept.parameters)
        assert place == (owner.work_pool_name, owner.work_queue_name, owner.parameters)


def check_schedules(world: World, rig: Rig, deleted: set[UUID]) -> None:
    """Every occurrence of the next two minutes has its run, of the present revision, unless somebody deleted it."""
    now = rig.clock.now
    for schedule in world.schedules.values():
        if not schedule.active or schedule.deleted:
            continue
        second = int(str(schedule.spec.get("anchor_date", "0Z"))[-3:-1])
        first = now.replace(second=second, microsecond=0)
        for minute in range(4):
            instant = first + timedelta(minutes=minute)
            if not now < instant <= now + timedelta(minutes=2):
                continue
            identity = occurrence_id(schedule.deployment_id, schedule.slug, instant)
            run = world.runs.get(identity)
            assert run is not None or identity in deleted, f"no run for {instant} of {schedule.slug}"
            assert (
                run is None
                or run.attempt
                or run.is_terminal
                or run.schedule_revision in (None, schedule.revision)
            )
