"""Two at once: between any two AWS calls of a handler, the whole of another request or tick happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from chalicelib.domain.errors import HeadraceError
from tests.faults.conductor import Scenario, Scene, Start, fingerprint, finish, is_clean, nothing
from tests.faults.scenarios import SCENARIOS
from tests.support import world
from tests.support.aws import Carry
from tests.support.plane import Reply, Rig
from tests.support.strict import Call

Act = Callable[[Rig, Scene], Reply | None]


def _tick(rig: Rig, scene: Scene) -> None:
    rig.plane.tick()


def _claim(rig: Rig, scene: Scene) -> None:
    """Another worker of the pool asks for all there is."""
    other = getattr(scene, "other", None)
    if other is not None:
        other.sync(want=other.limit - len(other.held))


@dataclass
class Meanwhile:
    """Lets `act` happen before the call of one number."""

    rig: Rig
    act: Callable[[], Reply | None]
    at: int
    seen: int = 0
    wrong: Exception | None = None

    def __call__(self, call: Call, carry: Carry) -> Any:
        self.seen += 1
        if self.seen - 1 == self.at:
            self.rig.aws.fault = None
            try:
                is_clean(self.act())
            except (AssertionError, HeadraceError) as error:  # the handler would take it for its own
                self.wrong = error
            finally:
                self.rig.aws.fault = self
        return carry()


def _is_settled(reply: Reply | None, scenario: Scenario) -> bool:
    """Done, or refused since the other came first: a run that has been claimed takes no other parameters."""
    if reply is None or 200 <= reply.status < 300 or reply.status in scenario.again:
        return True
    return reply.body["code"] == "wrong_state"


OTHERS: dict[str, Callable[[Scenario], Act]] = {
    "a tick": lambda scenario: _tick,
    "another worker's claim": lambda scenario: _claim,
    "the same request": lambda scenario: scenario.act,
}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_what_happens_between_two_calls_changes_nothing(plane: Rig, scenario: Scenario, other: str) -> None:
    scene = scenario.prepare(plane)
    if other == "another worker's claim" and scene.workers:
        scene.other = plane.worker(name="other", limit=2)
        scene.workers.append(scene.other)
        scenario = replace(scenario, expect=nothing)  # which run is whose is then another matter
    start = Start(plane, scene)
    seen: set[str] = set()
    wrong = []
    for at in range(len(start.clean_calls(scenario))):
        try:
            _one(plane, scenario, start.again(), OTHERS[other](scenario), at, seen)
        except AssertionError as error:
            wrong.append(f"before call {at}: {error}")
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong)


def _one(rig: Rig, scenario: Scenario, scene: Scene, act: Act, at: int, seen: set[str]) -> None:
    meanwhile = Meanwhile(rig, lambda: act(rig, scene), at)
    rig.aws.fault = meanwhile
    try:
        reply = scenario.act(rig, scene)
    finally:
        rig.aws.fault = None
    if meanwhile.wrong is not None:
        raise AssertionError(f"what came between: {meanwhile.wrong!r}") from meanwhile.wrong
    is_clean(reply)
    world.check_always(world.read(rig.aws))
    if reply is not None and not 200 <= reply.status < 300:
        repeated = scenario.act(rig, scene)
        assert _is_settled(repeated, scenario), repeated
    state = fingerprint(rig, scene)
    if state not in seen:
        seen.add(state)
        finish(rig, scenario, scene)
