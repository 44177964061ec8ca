"""A run's code starts another run, under faults."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tests.faults.conductor import Scenario, Scene
from tests.support.plane import Reply, Rig
from tests.support.world import World

ROUTE = "POST /work_pools/{pool}/workers/{worker}/create_flow_run"


def _parent(rig: Rig) -> Scene:
    """A run in hand, and a child that its earlier attempt has started in vain."""
    rig.pool()
    rig.deployment(name="child")
    rig.run(rig.deployment(name="parent", retry_policy={"retries": 1}))
    worker = rig.worker(limit=10)
    (grant,) = worker.claim(1)
    worker.start(grant)
    scene = Scene(workers=[worker], parent=grant["run"])
    first = _start(rig, scene).body["id"]
    worker.claim(1)
    worker.end(first, "FAILED")
    worker.end(scene.parent, "FAILED")
    worker.claim(1)
    scene.first, scene.made = first, []
    return scene


def _start(rig: Rig, scene: Scene) -> Reply:
    worker = scene.workers[0]
    who: dict[str, Any] = {"session": worker.session, "run": scene.parent}
    who["attempt"] = worker.held[scene.parent]
    path = f"/work_pools/{worker.pool}/workers/{worker.name}/create_flow_run"
    reply = rig.call("POST", path, {**who, "deployment": "flow/child", "call": "c0"})
    if reply.status < 300 and hasattr(scene, "made"):
        scene.made.append(reply.body["id"])
    return reply


def _once(rig: Rig, scene: Scene, now: World) -> None:
    (child,) = set(scene.made)
    children = {run.id for run in now.runs.values() if run.parent_flow_run_id == UUID(scene.parent)}
    assert children == {UUID(child), UUID(scene.first)}


SCENARIOS = [Scenario("start a run for the code of another one", ROUTE, _parent, _start, _once)]
