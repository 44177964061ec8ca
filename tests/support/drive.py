"""Workers that go on until nothing is left that could start."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.contract.states import StateType
from tests.support import world
from tests.support.plane import Rig, WorkerRig
from tests.support.world import World

ROUNDS = 40


def drain(rig: Rig, workers: Sequence[WorkerRig]) -> World:
    """Tick, claim, start and end in turn until no run that could start is left. Fails if one never starts."""
    for _ in range(ROUNDS):
        rig.clock.forward(20)
        rig.plane.tick()
        moved = sum(_turn(worker) for worker in workers)
        now = world.read(rig.aws)
        if not moved and not waiting(now, rig):
            return now
    now = world.read(rig.aws)
    left = [f"{run.id} in {now.lanes[run.id]}, due {run.due}" for run in waiting(now, rig)]
    held = [f"{run.id} {run.state.type}" for run in now.held()]
    raise AssertionError(f"never started: {left}; never ended: {held}")


def _turn(worker: WorkerRig) -> int:
    """End everything in hand, and take what there is."""
    answer = worker.sync(want=worker.limit - len(worker.held))
    for command in answer["commands"]:
        if command["kind"] == "cancel" and command["run"] in worker.held:
            worker.report(command["run"], "cancelled")
    held = list(worker.held)
    for run in held:
        worker.end(run)
    return len(held)


def waiting(now: World, rig: Rig) -> list[object]:
    """Due runs that nothing holds back."""
    return [
        run
        for run in now.runs.values()
        if run.state.type is StateType.SCHEDULED
        and run.due <= rig.clock.now
        and run.work_pool_name in now.pools
        and run.deployment_id in now.deployments
        and not now.pools[run.work_pool_name].is_paused
        and not now.queues[run.work_pool_name, run.work_queue_name].is_paused
        and not now.deployments[run.deployment_id].paused
        and all(now.limits[name].maximum for name in world.limits_of(run, now))
    ]
