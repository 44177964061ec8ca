"""What a person does between any two AWS calls of a tick or a claim: pauses, edits, deletes, cancels."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.domain.schedules import occurrence_id
from headrace.contract.states import StateType
from tests.faults.conductor import Scene, Start, fingerprint, is_clean
from tests.faults.test_meanwhile import Meanwhile
from tests.support import world
from tests.support.drive import drain
from tests.support.plane import Reply, Rig
from tests.support.world import World

EVERY_MINUTE = {"schedule": {"cron": "* * * * *"}, "slug": "s", "active": True}
AT_HALF = {"schedule": {"interval": 60, "anchor_date": "2026-01-01T00:00:30Z"}, "slug": "s"}


def _prepare(rig: Rig) -> Scene:
    """Due runs by hand and by schedule, a limit that blocks some, and a worker with free slots."""
    rig.pool()
    rig.ok("POST", "/v2/concurrency_limits", {"name": "db", "limit": 1})
    rig.pool("other")
    scene = Scene(workers=[rig.worker(limit=5), rig.worker("other", limit=5)])
    scene.deployment = rig.deployment(schedules=[EVERY_MINUTE], concurrency_limit=4)["id"]
    scene.schedule = rig.ok("GET", f"/deployments/{scene.deployment}/schedules")[0]["id"]
    rig.plane.tick()
    rig.clock.forward(200)  # past the look-ahead: the next tick makes new occurrences
    made = [rig.run({"id": scene.deployment}, tags=["db"]) for _ in range(3)]
    scene.runs = [run["id"] for run in made]
    return scene


def _patch(rig: Rig, path: str, **body: Any) -> Reply:
    return rig.call("PATCH", path, body)


def _schedule(scene: Scene) -> str:
    return f"/deployments/{scene.deployment}/schedules/{scene.schedule}"


def _cancel(rig: Rig, scene: Scene) -> None:
    for run in scene.runs:
        rig.ok("POST", f"/flow_runs/{run}/set_state", {"state": {"type": "CANCELLED"}})


PEOPLE: dict[str, Callable[[Rig, Scene], Reply | None]] = {
    "changes the schedule": lambda rig, scene: _patch(rig, _schedule(scene), schedule=AT_HALF["schedule"]),
    "changes the schedule's parameters": lambda rig, scene: _patch(
        rig, _schedule(scene), parameters={"x": 2}
    ),
    "moves the deployment": lambda rig, scene: _patch(
        rig, f"/deployments/{scene.deployment}", work_pool_name="other", parameters={"x": 2}
    ),
    "pauses the schedule": lambda rig, scene: _patch(rig, _schedule(scene), active=False),
    "deletes the schedule": lambda rig, scene: rig.call("DELETE", _schedule(scene)),
    "deploys another": lambda rig, scene: _patch(
        rig, f"/deployments/{scene.deployment}", schedules=[AT_HALF]
    ),
    "deletes the deployment": lambda rig, scene: rig.call(
        "DELETE", f"/deployments/{scene.deployment}?cancel_runs=true"
    ),
    "pauses the deployment": lambda rig, scene: _patch(rig, f"/deployments/{scene.deployment}", paused=True),
    "lowers a limit": lambda rig, scene: _patch(rig, f"/deployments/{scene.deployment}", concurrency_limit=1),
    "removes a limit": lambda rig, scene: rig.call("DELETE", "/v2/concurrency_limits/db"),
    "pauses the pool": lambda rig, scene: _patch(rig, "/work_pools/pool", is_paused=True),
    "cancels the runs": _cancel,
}


def _tick(rig: Rig, scene: Scene) -> None:
    rig.plane.tick()


def _claim(rig: Rig, scene: Scene) -> None:
    worker = scene.workers[0]
    worker.sync(want=5, hints=scene.runs)


def _give_back(rig: Rig, scene: Scene) -> None:
    """All that was claimed, unstarted, as by a worker that is told to leave."""
    worker = scene.workers[0]
    told = {"seq": 1, "kind": "released", "at": rig.clock.now}
    reports = [{"run": run, "attempt": attempt, **told} for run, attempt in worker.held.items()]
    worker.held.clear()
    worker.sync(reports=reports)


@pytest.mark.parametrize("handler", [_tick, _claim, _give_back], ids=["tick", "claim", "give back"])
@pytest.mark.parametrize("person", PEOPLE)
def test_a_person_in_the_midst(plane: Rig, handler: Callable[[Rig, Scene], None], person: str) -> None:
    scene = _prepare(plane)
    if handler is _give_back:
        plane.plane.tick()
        _claim(plane, scene)
    start = Start(plane, scene)
    scene = start.again()
    before = len(plane.aws.calls)
    handler(plane, scene)
    seen: set[str] = set()
    for at in range(len(plane.aws.calls) - before):
        _one(plane, start.again(), handler, PEOPLE[person], at, seen)
    assert seen


def _one(rig: Rig, scene: Scene, handler: Any, person: Any, at: int, seen: set[str]) -> None:
    meanwhile = Meanwhile(rig, lambda: person(rig, scene), at)
    rig.aws.fault = meanwhile
    try:
        handler(rig, scene)
    finally:
        rig.aws.fault = None
    if meanwhile.wrong is not None:
        raise AssertionError(f"before call {at}: {meanwhile.wrong!r}") from meanwhile.wrong
    is_clean(person(rig, scene))
    now = world.read(rig.aws)
    world.check_always(now)
    state = fingerprint(rig, scene)
    if state in seen:
        return
    seen.add(state)
    _go_on(rig, scene, at)


def _go_on(rig: Rig, scene: Scene, at: int) -> None:
    for worker in scene.workers:
        worker.sync()
    rig.clock.forward(20)
    rig.plane.tick()
    now = world.read(rig.aws)
    world.check_always(now)
    world.check_settled(now)
    _nothing_stale_waits(now, at)
    end = drain(rig, scene.workers)
    world.check_always(end)
    world.check_settled(end)
    _each_started_once(rig, end)
    _the_latest_is_there(rig, end, at)


def _the_latest_is_there(rig: Rig, end: World, at: int) -> None:
    """Of a schedule that goes on as it was, the occurrence that was the last one due before all this has its run."""
    due = datetime(2026, 3, 2, 12, 3, tzinfo=UTC)
    for schedule in end.schedules.values():
        if schedule.active and not schedule.deleted and schedule.spec == EVERY_MINUTE["schedule"]:
            identity = occurrence_id(schedule.deployment_id, schedule.slug, due)
            assert identity in end.runs, f"before call {at}: the occurrence of {due} is lost"
            assert end.runs[identity].state.type is StateType.COMPLETED, f"before call {at}: that of {due}"


def _nothing_stale_waits(now: World, at: int) -> None:
    """None of the old schedule's occurrences survives."""
    for run in now.runs.values():
        if run.state.type is not StateType.SCHEDULED or run.schedule_slug is None or run.run_count:
            continue
        assert run.deployment_id is not None
        schedule = now.schedules[run.deployment_id, run.schedule_slug]
        assert schedule.active, f"before call {at}: {run.id} of a schedule that is off"
        assert not schedule.deleted, f"before call {at}: {run.id} of a deleted schedule"
        assert run.schedule_revision == schedule.revision, f"before call {at}: {run.id} of an old revision"


def _each_started_once(rig: Rig, end: World) -> None:
    twice = [run.id for run in end.runs.values() if run.run_count > 1]
    assert not twice, f"started more than once: {twice}"
