"""Runs and their logs under faults."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import botocore.session

from headrace.contract.states import StateType
from tests.faults.conductor import Scenario, Scene
from tests.support.plane import Reply, Rig
from tests.support.world import World

LARGE = {"text": " ".join(str(number) for number in range(2000))}


def _ready(rig: Rig, **values: Any) -> Scene:
    rig.pool()
    return Scene(workers=[rig.worker(limit=10)], deployment=rig.deployment(**values))


def _tag_taken(rig: Rig) -> Scene:
    scene = _ready(rig)
    rig.ok("POST", "/v2/concurrency_limits", {"name": "db", "limit": 1})
    rig.run(scene.deployment, tags=["db"])
    scene.workers[0].claim(1)
    return scene


def _create(**body: Any) -> Any:
    def act(rig: Rig, scene: Scene) -> Reply:
        reply = rig.call("POST", f"/deployments/{scene.deployment['id']}/create_flow_run", body)
        if reply.status < 300:
            scene.made = [*getattr(scene, "made", []), reply.body["id"]]
        return reply

    return act


def _made(rig: Rig, scene: Scene, now: World) -> None:
    assert all(UUID(run) in now.runs for run in scene.made)


def _made_once(rig: Rig, scene: Scene, now: World) -> None:
    assert len(set(scene.made)) == 1
    _made(rig, scene, now)
    assert rig.ok("GET", f"/flow_runs/{scene.made[0]}")["parameters"] == LARGE


HUGE = {"text": "".join(f"{number:x}" for number in range(40_000))}


def _with_a_bucket(rig: Rig) -> Scene:
    client = botocore.session.get_session().create_client("s3", region_name="us-east-1")
    client.create_bucket(Bucket=rig.plane.ports.settings.bucket)
    return _ready(rig)


def _made_with_all(rig: Rig, scene: Scene, now: World) -> None:
    assert len(set(scene.made)) == 1
    assert rig.ok("GET", f"/flow_runs/{scene.made[0]}")["parameters"] == HUGE


def _one_run(rig: Rig, state: str = "SCHEDULED", **values: Any) -> Scene:
    scene = _ready(rig)
    scene.run = rig.run(scene.deployment, **values)["id"]
    worker = scene.workers[0]
    if state != "SCHEDULED":
        worker.claim(1)
    if state in ("RUNNING", "COMPLETED"):
        worker.start(scene.run)
    if state == "COMPLETED":
        worker.end(scene.run, result={"text": LARGE["text"]})
    return scene


def _held_by_limit(rig: Rig) -> Scene:
    scene = _tag_taken(rig)
    scene.run = next(iter(scene.workers[0].held))
    scene.next = rig.run(scene.deployment, tags=["db"])["id"]
    return scene


def _state(**state: Any) -> Any:
    def act(rig: Rig, scene: Scene) -> Reply:
        body = {"state": state, "force": True}
        return rig.call("POST", f"/flow_runs/{scene.run}/set_state", body)

    return act


def _is(*states: StateType) -> Any:
    def expect(rig: Rig, scene: Scene, now: World) -> None:
        assert now.runs[UUID(scene.run)].state.type in states

    return expect


def _is_gone(rig: Rig, scene: Scene, now: World) -> None:
    left = [key for key in rig.aws.table.items if scene.run in str(key.value)]
    assert not left, "parts of the run are left"


def _finished(rig: Rig) -> Scene:
    scene = _one_run(rig, "COMPLETED", parameters=LARGE)
    record = {"flow_run_id": scene.run, "level": 20, "name": "n", "message": "m", "timestamp": rig.clock.now}
    rig.ok("POST", "/logs", [record])
    return scene


def _log(rig: Rig, scene: Scene) -> Reply:
    record = {"flow_run_id": scene.run, "level": 20, "name": "n", "message": "m"}
    return rig.call("POST", "/logs", [{**record, "timestamp": "2026-03-02T12:00:00Z"}])


def _logged_once(rig: Rig, scene: Scene, now: World) -> None:
    body = {"logs": {"flow_run_id": {"any_": [scene.run]}}}
    assert len(rig.ok("POST", "/logs/filter", body)) == 1


def _rename(rig: Rig, scene: Scene) -> Reply:
    return rig.call("PATCH", f"/flow_runs/{scene.run}", {"name": "other", "parameters": LARGE})


def _renamed(rig: Rig, scene: Scene, now: World) -> None:
    shown = rig.read(scene.run)
    assert (shown["name"], shown["parameters"]) == ("other", LARGE)


def _bare(rig: Rig, scene: Scene) -> Reply:
    body = {"flow_id": scene.deployment["flow_id"], "idempotency_key": "k", "state": {"type": "PENDING"}}
    return rig.call("POST", "/flow_runs", body)


def _late(rig: Rig) -> Scene:
    scene = _tag_taken(rig)
    scene.late = [rig.run(scene.deployment), rig.run(scene.deployment, tags=["db"])]
    rig.clock.forward(20)
    return scene


def _skipped(rig: Rig, scene: Scene, now: World) -> None:
    assert [now.runs[UUID(run["id"])].state.name for run in scene.late] == ["Skipped", "Skipped"]


SCENARIOS = [
    Scenario(
        "label a run",
        "PATCH /flow_runs/{run_id}/labels",
        _one_run,
        lambda rig, scene: rig.call("PATCH", f"/flow_runs/{scene.run}/labels", {"team": "data"}),
    ),
    Scenario("create a run", "POST /deployments/{deployment_id}/create_flow_run", _ready, _create(), _made),
    Scenario(
        "create a large run with a key",
        "POST /deployments/{deployment_id}/create_flow_run",
        _ready,
        _create(idempotency_key="k", parameters=LARGE),
        _made_once,
    ),
    Scenario(
        "create a run whose parameters go to S3",
        "POST /deployments/{deployment_id}/create_flow_run",
        _with_a_bucket,
        _create(idempotency_key="k", parameters=HUGE),
        _made_with_all,
    ),
    Scenario(
        "create a run that must wait for its tag",
        "POST /deployments/{deployment_id}/create_flow_run",
        _tag_taken,
        _create(idempotency_key="k", tags=["db"]),
        _made,
    ),
    Scenario("create a bare run", "POST /flow_runs", _ready, _bare),
    Scenario("change a run", "PATCH /flow_runs/{run_id}", _one_run, _rename, _renamed),
    Scenario(
        "delete a run",
        "DELETE /flow_runs/{run_id}",
        _finished,
        lambda rig, scene: rig.call("DELETE", f"/flow_runs/{scene.run}"),
        _is_gone,
        again=frozenset({404}),
    ),
    Scenario(
        "cancel a waiting run",
        "POST /flow_runs/{run_id}/set_state",
        _one_run,
        _state(type="CANCELLED"),
        _is(StateType.CANCELLED),
    ),
    Scenario(
        "cancel a run that is held",
        "POST /flow_runs/{run_id}/set_state",
        _held_by_limit,
        _state(type="CANCELLING"),
        _is(StateType.CANCELLING),
    ),
    Scenario(
        "run again",
        "POST /flow_runs/{run_id}/set_state",
        _finished,
        _state(type="SCHEDULED"),
        _is(StateType.SCHEDULED),
    ),
    Scenario(
        "skip what is late in a pool",
        "POST /work_pools/{pool}/skip_late",
        _late,
        lambda rig, scene: rig.call("POST", "/work_pools/pool/skip_late"),
        _skipped,
    ),
    Scenario(
        "skip what is late of a deployment",
        "POST /deployments/{deployment_id}/skip_late",
        _late,
        lambda rig, scene: rig.call("POST", f"/deployments/{scene.deployment['id']}/skip_late"),
        _skipped,
    ),
    Scenario(
        "ask where to upload a bundle",
        "POST /bundles",
        lambda rig: Scene(workers=[]),
        lambda rig, scene: rig.call("POST", "/bundles", {"digest": f"sha256:{'a' * 64}", "size": 10}),
    ),
    Scenario("store logs", "POST /logs", _one_run, _log, _logged_once),
]
