"""API keys under faults: one that was revoked stays so, and one that was answered works."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from headrace.contract.key_text import draw
from tests.faults.conductor import Scenario, Scene
from tests.support.plane import Rig
from tests.support.world import World

DRAWN = draw(uuid4())


def _with_key(rig: Rig) -> Scene:
    rig.ok("POST", "/api_keys", {"name": "boss", "role": "admin"})
    return Scene(workers=[], key=rig.ok("POST", "/api_keys", {"name": "ci", "role": "deployer"})["id"])


def _names(rig: Rig) -> list[str]:
    return [key["name"] for key in rig.ok("POST", "/api_keys/filter", {})]


def _is_made(rig: Rig, scene: Scene, now: World) -> None:
    assert set(_names(rig)) == {"boss", "ci", "new"}


def _is_gone(rig: Rig, scene: Scene, now: World) -> None:
    assert _names(rig) == ["boss"]
    assert rig.call("GET", f"/api_keys/{scene.key}").status == 404


def _create(rig: Rig, scene: Scene) -> Any:
    return rig.call("POST", "/api_keys", {"name": "new", "role": "viewer", "key": DRAWN})


def _with_pool(rig: Rig) -> Scene:
    rig.pool()
    return Scene(workers=[rig.worker()])


def _credentials(rig: Rig, scene: Scene) -> Any:
    return rig.call("POST", "/work_pools/pool/workers/w1/credentials")


SCENARIOS = [
    Scenario(
        "give a worker AWS credentials",
        "POST /work_pools/{pool}/workers/{worker}/credentials",
        _with_pool,
        _credentials,
    ),
    Scenario("make an API key", "POST /api_keys", _with_key, _create, _is_made),
    Scenario(
        "revoke an API key",
        "DELETE /api_keys/{key_id}",
        _with_key,
        lambda rig, scene: rig.call("DELETE", f"/api_keys/{scene.key}"),
        _is_gone,
        again=frozenset({404}),
    ),
]
