"""Flows, deployments and schedules under faults."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from chalicelib.domain import versions
from chalicelib.domain.schedules import occurrence_id
from headrace.contract.states import StateType
from tests.faults.conductor import Scenario, Scene
from tests.support.plane import Reply, Rig
from tests.support.world import World

EVERY_MINUTE = {"cron": "* * * * *"}
AT_HALF = {"interval": 60, "anchor_date": "2026-01-01T00:00:30Z"}
GONE = frozenset({404})
EXISTS = frozenset({409})


def _body(scene: Scene, **values: Any) -> dict[str, Any]:
    base = {"name": "main", "flow_id": scene.flow, "entrypoint": "f.py:f", "work_pool_name": "pool"}
    return {**base, **values}


def _flow(rig: Rig) -> Scene:
    rig.pool()
    flow = rig.ok("POST", "/flows/", {"name": "flow"})["id"]
    return Scene(workers=[rig.worker(limit=10)], flow=flow, deployment=None)


def _deployed(rig: Rig, **values: Any) -> Scene:
    scene = _flow(rig)
    scene.deployment = rig.ok("POST", "/deployments", _body(scene, **values))
    return scene


def _create(rig: Rig, scene: Scene) -> Reply:
    schedules = [{"schedule": EVERY_MINUTE, "overlap": "skip"}]
    return rig.call("POST", "/deployments", _body(scene, schedules=schedules, concurrency_limit=2))


def _scheduled(rig: Rig, **options: Any) -> Scene:
    schedule = {"schedule": EVERY_MINUTE, "slug": "s", **options}
    scene = _deployed(rig, schedules=[schedule])
    rig.plane.tick()
    scene.schedule = rig.ok("GET", f"/deployments/{scene.deployment['id']}/schedules")[0]["id"]
    return scene


def _change_both(rig: Rig, scene: Scene) -> Reply:
    schedules = [{"schedule": AT_HALF, "slug": "s", "overlap": "skip"}]
    return rig.call("POST", "/deployments", _body(scene, schedules=schedules, concurrency_limit=2))


def _occurrences(rig: Rig, now: World, second: int) -> None:
    """Each coming occurrence of the schedule has its one run, of its revision, and nothing else waits."""
    (schedule,) = [one for one in now.schedules.values() if not one.deleted]
    first = rig.clock.now.replace(second=second, microsecond=0)
    expected = {
        occurrence_id(schedule.deployment_id, schedule.slug, instant)
        for minute in range(3)
        if rig.clock.now < (instant := first + timedelta(minutes=minute))
        if instant <= rig.clock.now + timedelta(minutes=2)
    }
    waiting = {run.id: run for run in now.runs.values() if run.state.type is StateType.SCHEDULED}
    assert expected <= waiting.keys(), f"missing of {expected}: {expected - waiting.keys()}"
    stale = [run for run in waiting.values() if run.schedule_revision != schedule.revision]
    assert all(run.attempt == 0 and run.due > rig.clock.now - timedelta(minutes=3) for run in stale)
    if schedule.overlap != "allow":
        assert now.limits[f"schedule:{schedule.deployment_id}/{schedule.slug}"].maximum == 1


def _every(second: int) -> Any:
    return lambda rig, scene, now: _occurrences(rig, now, second)


def _none_left(rig: Rig, scene: Scene, now: World) -> None:
    rig.clock.forward(300)
    rig.plane.tick()
    assert scene.workers[0].claim(10) == []


def _patch(**changes: Any) -> Any:
    return lambda rig, scene: rig.call("PATCH", f"/deployments/{scene.deployment['id']}", changes)


def _patch_schedule(**changes: Any) -> Any:
    def act(rig: Rig, scene: Scene) -> Reply:
        path = f"/deployments/{scene.deployment['id']}/schedules/{scene.schedule}"
        return rig.call("PATCH", path, changes)

    return act


def _paused(rig: Rig) -> Scene:
    scene = _deployed(rig, paused=True)
    scene.runs = [rig.run(scene.deployment) for _ in range(3)]
    return scene


def _busy(rig: Rig) -> Scene:
    scene = _deployed(rig)
    scene.runs = [rig.run(scene.deployment) for _ in range(4)]
    scene.workers[0].claim(2)
    return scene


def _doomed(rig: Rig) -> Scene:
    scene = _scheduled(rig)
    rig.ok("POST", "/v2/concurrency_limits", {"name": "db", "limit": 0})
    scene.runs = [rig.run(scene.deployment), rig.run(scene.deployment, tags=["db"])]
    return scene


def _all_cancelled(rig: Rig, scene: Scene, now: World) -> None:
    assert UUID(scene.deployment["id"]) not in now.deployments
    states = [now.runs[UUID(run["id"])].state.type for run in scene.runs]
    assert states == [StateType.CANCELLED] * len(scene.runs)


def _late(rig: Rig) -> Scene:
    """An occurrence is due and waits; there is another pool, with a worker."""
    scene = _scheduled(rig, catchup="all")
    rig.pool("other")
    scene.workers.append(rig.worker("other", limit=10))
    rig.clock.forward(62)
    scene.due = rig.clock.now.replace(second=0)
    return scene


def _move(rig: Rig, scene: Scene) -> Reply:
    schedules = [{"schedule": EVERY_MINUTE, "slug": "s", "catchup": "all"}]
    body = _body(scene, schedules=schedules, work_pool_name="other", parameters={"x": 2})
    return rig.call("POST", "/deployments", body)


def _kept(pool: str) -> Any:
    """The occurrence that was due is there, once, as the schedule and the deployment say now."""

    def check(rig: Rig, scene: Scene, now: World) -> None:
        (schedule,) = now.schedules.values()
        _occurrences(rig, now, 0)
        run = now.runs[occurrence_id(schedule.deployment_id, schedule.slug, scene.due)]
        assert run.state.type is StateType.SCHEDULED
        waiting = [run for run in now.runs.values() if run.state.type is StateType.SCHEDULED]
        assert {run.schedule_revision for run in waiting} == {schedule.revision}
        assert {run.work_pool_name for run in waiting} == {pool}
        assert [run.parameters for run in waiting] == [{"x": 2}] * len(waiting)

    return check


def _going(rig: Rig) -> Scene:
    """One run waits in the pool that the deployment was in, and a worker of that pool has another."""
    scene = _deployed(rig, retry_policy={"retries": 1})
    scene.runs = [rig.run(scene.deployment) for _ in range(2)]
    (grant,) = scene.workers[0].claim(1)
    scene.workers[0].start(grant)
    rig.pool("other")
    rig.ok("POST", "/deployments", _body(scene, work_pool_name="other"))
    return scene


def _none_goes_on(rig: Rig, scene: Scene, now: World) -> None:
    assert UUID(scene.deployment["id"]) not in now.deployments
    states = {now.runs[UUID(run["id"])].state.type for run in scene.runs}
    assert states <= {StateType.CANCELLED, StateType.CANCELLING}


def _rolled(rig: Rig) -> Scene:
    """At version 2, which has another schedule and another limit than version 1."""
    schedule = {"schedule": EVERY_MINUTE, "slug": "s", "overlap": "skip"}
    scene = _deployed(rig, schedules=[schedule], concurrency_limit=1, parameters={"x": 1})
    body = _body(scene, schedules=[{"schedule": AT_HALF, "slug": "other"}], concurrency_limit=3)
    rig.ok("POST", "/deployments", body)
    rig.plane.tick()
    return scene


def _pinned(rig: Rig) -> Scene:
    scene = _rolled(rig)
    rig.ok("POST", f"/deployments/{scene.deployment['id']}/pin", {"version": 2})
    rig.ok("POST", "/deployments", _body(scene, schedules=[{"schedule": EVERY_MINUTE, "slug": "s"}]))
    return scene


def _post(step: str, body: Any = None) -> Any:
    return lambda rig, scene: rig.call("POST", f"/deployments/{scene.deployment['id']}/{step}", body)


def _at(number: int, latest: int, second: int) -> Any:
    """All of one version is in force, and its schedule alone has runs."""

    def check(rig: Rig, scene: Scene, now: World) -> None:
        deployment = now.deployments[UUID(scene.deployment["id"])]
        assert (deployment.version_number, deployment.latest_version_number) == (number, latest)
        _as_its_version(rig, scene, now)
        _occurrences(rig, now, second)

    return check


def _as_its_version(rig: Rig, scene: Scene, now: World) -> None:
    deployment = now.deployments[UUID(scene.deployment["id"])]
    alive = [one for one in now.schedules.values() if not one.deleted]
    said = rig.plane.ports.versions.definition(deployment.id, deployment.version_number)
    assert said == versions.define(deployment, versions.described(alive))
    assert rig.plane.ports.versions.latest(deployment.id) == deployment.latest_version_number


SCENARIOS = [
    Scenario(
        "roll back",
        "POST /deployments/{deployment_id}/rollback",
        _rolled,
        _post("rollback", {"version": 1}),
        _at(3, 3, 0),
    ),
    Scenario(
        "pin an old version",
        "POST /deployments/{deployment_id}/pin",
        _rolled,
        _post("pin", {"version": 1}),
        _at(1, 2, 0),
    ),
    Scenario("unpin", "POST /deployments/{deployment_id}/unpin", _pinned, _post("unpin"), _at(3, 3, 0)),
    Scenario(
        "deploy what is pinned",
        "POST /deployments",
        _pinned,
        lambda rig, scene: rig.call("POST", "/deployments", _body(scene, parameters={"x": 5})),
        _at(2, 4, 30),
    ),
    Scenario(
        "create a flow",
        "POST /flows",
        lambda rig: Scene(workers=[]),
        lambda rig, scene: rig.call("POST", "/flows", {"name": "new"}),
    ),
    Scenario("create a deployment", "POST /deployments", _flow, _create, _every(0)),
    Scenario("redeploy with another schedule", "POST /deployments", _scheduled, _change_both, _every(30)),
    Scenario("limit a deployment", "PATCH /deployments/{deployment_id}", _busy, _patch(concurrency_limit=1)),
    Scenario("resume a deployment", "PATCH /deployments/{deployment_id}", _paused, _patch(paused=False)),
    Scenario(
        "delete a deployment",
        "DELETE /deployments/{deployment_id}",
        _doomed,
        lambda rig, scene: rig.call("DELETE", f"/deployments/{scene.deployment['id']}?cancel_runs=true"),
        _all_cancelled,
        again=GONE,
    ),
    Scenario(
        "delete a deployment with a run that goes on",
        "DELETE /deployments/{deployment_id}",
        _going,
        lambda rig, scene: rig.call("DELETE", f"/deployments/{scene.deployment['id']}?cancel_runs=true"),
        _none_goes_on,
        again=GONE,
    ),
    Scenario("move a deployment to another pool", "POST /deployments", _late, _move, _kept("other")),
    Scenario(
        "add a schedule",
        "POST /deployments/{deployment_id}/schedules",
        _deployed,
        lambda rig, scene: rig.call(
            "POST",
            f"/deployments/{scene.deployment['id']}/schedules",
            [{"schedule": EVERY_MINUTE, "slug": "s", "overlap": "cancel_running"}],
        ),
        _every(0),
        again=EXISTS,
    ),
    Scenario(
        "change a schedule",
        "PATCH /deployments/{deployment_id}/schedules/{schedule_id}",
        _scheduled,
        _patch_schedule(schedule=AT_HALF),
        _every(30),
    ),
    Scenario(
        "change a schedule of which an occurrence waits",
        "PATCH /deployments/{deployment_id}/schedules/{schedule_id}",
        _late,
        _patch_schedule(parameters={"x": 2}, schedule={"cron": "*/1 * * * *"}),
        _kept("pool"),
    ),
    Scenario(
        "pause a schedule",
        "PATCH /deployments/{deployment_id}/schedules/{schedule_id}",
        _scheduled,
        _patch_schedule(active=False),
        _none_left,
    ),
    Scenario(
        "rename a schedule",
        "PATCH /deployments/{deployment_id}/schedules/{schedule_id}",
        _scheduled,
        _patch_schedule(slug="other"),
        _every(0),
        again=GONE,
    ),
    Scenario(
        "delete a schedule",
        "DELETE /deployments/{deployment_id}/schedules/{schedule_id}",
        _scheduled,
        lambda rig, scene: rig.call(
            "DELETE", f"/deployments/{scene.deployment['id']}/schedules/{scene.schedule}"
        ),
        _none_left,
        again=GONE,
    ),
]
