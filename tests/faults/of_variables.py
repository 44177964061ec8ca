"""Variables under faults."""

from __future__ import annotations

from typing import Any

from tests.faults.conductor import Scenario, Scene
from tests.support.plane import Reply, Rig
from tests.support.world import World

NAMED = "/variables/name/rows"


def _there(rig: Rig) -> Scene:
    rig.ok("POST", "/variables", {"name": "rows", "value": 7})
    return Scene(workers=[])


def _has(value: object) -> Any:
    def expect(rig: Rig, scene: Scene, now: World) -> None:
        assert rig.ok("GET", NAMED)["value"] == value
        assert [row["name"] for row in rig.ok("POST", "/variables/filter", {})] == ["rows"]

    return expect


def _gone(rig: Rig, scene: Scene, now: World) -> None:
    assert rig.call("GET", NAMED).status == 404
    assert rig.ok("POST", "/variables/filter", {}) == []


def _make(rig: Rig, scene: Scene) -> Reply:
    return rig.call("POST", "/variables", {"name": "rows", "value": 7})


SCENARIOS = [
    Scenario("make a variable", "POST /variables", lambda rig: Scene(workers=[]), _make, _has(7)),
    Scenario(
        "change a variable",
        "PATCH /variables/name/{name}",
        _there,
        lambda rig, scene: rig.call("PATCH", NAMED, {"value": 8}),
        _has(8),
    ),
    Scenario(
        "delete a variable",
        "DELETE /variables/name/{name}",
        _there,
        lambda rig, scene: rig.call("DELETE", NAMED),
        _gone,
        frozenset({404}),
    ),
]
