"""Pools, queues and limits under faults."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from headrace.contract.states import StateType
from tests.faults.conductor import Scenario, Scene
from tests.support.plane import Reply, Rig
from tests.support.world import World

EXISTS = frozenset({409})
GONE = frozenset({404})


def _one_worker(rig: Rig, **values: Any) -> Scene:
    rig.pool(**values)
    worker = rig.worker(limit=10)
    return Scene(workers=[worker], deployment=rig.deployment())


def _empty(rig: Rig) -> Scene:
    return Scene(workers=[])


def _has_pool(rig: Rig, scene: Scene, now: World) -> None:
    assert now.pools["new"].concurrency_limit == 3
    rig.deployment(pool="new")
    worker = rig.worker(pool="new")
    run = rig.run(rig.deployment(pool="new"))
    assert [grant["run"] for grant in worker.claim()] == [run["id"]]
    queue = now.queues["new", "default"]
    assert rig.aws.has_queue(queue.url), "its queue was deleted"


def _blocked_pool(rig: Rig) -> Scene:
    scene = _one_worker(rig, concurrency_limit=1)
    for _ in range(3):
        rig.run(scene.deployment)
    scene.workers[0].claim(3)
    return scene


def _patch_pool(**changes: Any) -> Any:
    return lambda rig, scene: rig.call("PATCH", "/work_pools/pool", changes)


def _paused(rig: Rig) -> Scene:
    scene = _one_worker(rig)
    rig.run(scene.deployment)
    rig.ok("PATCH", "/work_pools/pool", {"is_paused": True})
    return scene


def _nothing_started(rig: Rig, scene: Scene, now: World) -> None:
    assert all(run.state.type is StateType.SCHEDULED for run in now.runs.values())
    assert scene.workers[0].claim(5) == []


def _with_second(rig: Rig) -> Scene:
    scene = _one_worker(rig)
    rig.pool("second", concurrency_limit=2)
    rig.ok("POST", "/work_pools/second/queues", {"name": "fast", "priority": 1, "concurrency_limit": 1})
    deployment = rig.deployment(name="other", pool="second", work_queue_name="fast")
    scene.runs = [rig.run(deployment) for _ in range(3)]
    scene.queue = rig.ok("GET", "/work_pools/second/queues/fast")["id"]
    rig.ok("PATCH", f"/deployments/{deployment['id']}", {"work_pool_name": "pool", "work_queue_name": None})
    return scene


def _moved(rig: Rig, scene: Scene, now: World) -> None:
    assert "second" not in now.pools
    assert all(now.runs[_id(run)].work_pool_name == "pool" for run in scene.runs)


def _cancelled(rig: Rig, scene: Scene, now: World) -> None:
    assert all(now.runs[_id(run)].state.type is StateType.CANCELLED for run in scene.runs)


def _id(run: Any) -> UUID:
    return UUID(run["id"])


def _delete(path: str) -> Any:
    return lambda rig, scene: rig.call("DELETE", path.format(scene=scene))


def _new_queue(rig: Rig, scene: Scene) -> Reply:
    body = {"name": "fast", "priority": 1, "concurrency_limit": 1}
    return rig.call("POST", "/work_pools/pool/queues", body)


def _patch_queue(**changes: Any) -> Any:
    return lambda rig, scene: rig.call("PATCH", f"/work_queues/{scene.queue}", changes)


def _queue(rig: Rig) -> Scene:
    scene = _one_worker(rig)
    scene.queue = rig.ok("GET", "/work_pools/pool/queues/default")["id"]
    for _ in range(3):
        rig.run(scene.deployment)
    scene.workers[0].claim(2)
    return scene


def _tagged(rig: Rig) -> Scene:
    scene = _one_worker(rig)
    scene.runs = [rig.run(scene.deployment, tags=["db"]) for _ in range(5)]
    scene.workers[0].claim(2)
    return scene


def _limited(rig: Rig, maximum: int = 1) -> Scene:
    scene = _one_worker(rig)
    rig.ok("POST", "/v2/concurrency_limits", {"name": "db", "limit": maximum})
    scene.runs = [rig.run(scene.deployment, tags=["db"]) for _ in range(4)]
    scene.workers[0].claim(4)
    scene.runs += [rig.run(scene.deployment, tags=["db"]) for _ in range(2)]
    return scene


def _holders(maximum: int, holders: int) -> Any:
    def expect(rig: Rig, scene: Scene, now: World) -> None:
        assert now.limits["tag:db"].maximum == maximum
        assert len(now.limits["tag:db"].holders) == holders

    return expect


def _tag_body(limit: int) -> Any:
    return lambda rig, scene: rig.call("POST", "/v2/concurrency_limits", {"name": "db", "limit": limit})


SCENARIOS = [
    Scenario(
        "create a pool with a limit",
        "POST /work_pools",
        _empty,
        lambda rig, scene: rig.call("POST", "/work_pools", {"name": "new", "concurrency_limit": 3}),
        _has_pool,
        again=EXISTS,
    ),
    Scenario("limit a pool", "PATCH /work_pools/{pool}", _queue, _patch_pool(concurrency_limit=1)),
    Scenario(
        "raise a pool's limit", "PATCH /work_pools/{pool}", _blocked_pool, _patch_pool(concurrency_limit=2)
    ),
    Scenario(
        "unlimit a pool", "PATCH /work_pools/{pool}", _blocked_pool, _patch_pool(concurrency_limit=None)
    ),
    Scenario(
        "pause a pool", "PATCH /work_pools/{pool}", _paused, _patch_pool(is_paused=True), _nothing_started
    ),
    Scenario("resume a pool", "PATCH /work_pools/{pool}", _paused, _patch_pool(is_paused=False)),
    Scenario(
        "delete a pool, moving its runs",
        "DELETE /work_pools/{pool}",
        _with_second,
        _delete("/work_pools/second?move_to=pool"),
        _moved,
        again=GONE,
    ),
    Scenario(
        "delete a pool, cancelling its runs",
        "DELETE /work_pools/{pool}",
        _with_second,
        _delete("/work_pools/second?cancel_runs=true"),
        _cancelled,
        again=GONE,
    ),
    Scenario(
        "create a queue with a limit",
        "POST /work_pools/{pool}/queues",
        _one_worker,
        _new_queue,
        lambda rig, scene, now: _queue_is_there(rig, now),
        again=EXISTS,
    ),
    Scenario("limit a queue", "PATCH /work_queues/{queue_id}", _queue, _patch_queue(concurrency_limit=1)),
    Scenario(
        "delete a queue, moving its runs",
        "DELETE /work_queues/{queue_id}",
        _with_second,
        _delete("/work_queues/{scene.queue}?move_to=pool/default"),
        again=GONE,
    ),
    Scenario(
        "limit a tag",
        "POST /v2/concurrency_limits",
        _tagged,
        _tag_body(1),
        _holders(1, 2),
        again=EXISTS,
    ),
    Scenario(
        "raise a tag's limit",
        "PATCH /v2/concurrency_limits/{name}",
        _limited,
        lambda rig, scene: rig.call("PATCH", "/v2/concurrency_limits/db", {"limit": 3}),
        _holders(3, 1),
    ),
    Scenario(
        "remove a tag's limit",
        "DELETE /v2/concurrency_limits/{name}",
        _limited,
        lambda rig, scene: rig.call("DELETE", "/v2/concurrency_limits/db"),
        again=GONE,
    ),
]


def _queue_is_there(rig: Rig, now: World) -> None:
    assert now.queues["pool", "fast"].concurrency_limit == 1
    assert rig.aws.has_queue(now.queues["pool", "fast"].url), "its queue was deleted"
