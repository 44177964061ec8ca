"""Has one request fail at each of its AWS calls in each way, and looks at what is left."""

from __future__ import annotations

import copy
import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from chalicelib.domain.errors import HeadraceError
from tests.support import world
from tests.support.drive import drain
from tests.support.faults import MODES, Killed, Mode, Strike
from tests.support.plane import Reply, Rig, WorkerRig
from tests.support.strict import Call
from tests.support.world import World

Scene = SimpleNamespace
"""What a scenario prepared; `workers` go on afterwards."""


def nothing(rig: Rig, scene: Scene, now: World) -> None:
    return None


@dataclass(frozen=True)
class Scenario:
    """A request and what must be true once it was repeated. `again` are answers that a repeat may give."""

    name: str
    route: str
    prepare: Callable[[Rig], Scene]
    act: Callable[[Rig, Scene], Reply | None]
    expect: Callable[[Rig, Scene, World], None] = nothing
    again: frozenset[int] = field(default_factory=frozenset)

    def __str__(self) -> str:
        return self.name


@dataclass
class Tally:
    """How many faults were tried, and how many different states they led to."""

    calls: int = 0
    faults: int = 0
    states: set[str] = field(default_factory=set)


def try_all(rig: Rig, scenario: Scenario) -> Tally:
    """Every fault at every call. Raises with all that went wrong."""
    scene = scenario.prepare(rig)
    start = Start(rig, scene)
    calls = start.clean_calls(scenario)
    wrong, tally = [], Tally(calls=len(calls))
    for mode, at in _points(calls):
        tally.faults += 1
        try:
            _one(rig, scenario, start.again(), Strike(mode, at), tally)
        except AssertionError as error:
            wrong.append(f"{mode.name} at {at} ({calls[at]}): {error}")
    assert not wrong, f"{len(wrong)} of {tally.faults}:\n" + "\n".join(wrong)
    return tally


def _points(calls: list[Call]) -> Iterator[tuple[Mode, int]]:
    for mode in MODES:
        yield from ((mode, at) for at, call in enumerate(calls) if mode.fits(call))


class Start:
    """The state before the request, to begin from again and again."""

    def __init__(self, rig: Rig, scene: Scene) -> None:
        self._rig, self._scene = rig, scene
        self._saved, self._now = rig.aws.save(), rig.clock.now

    def again(self) -> Scene:
        """As it was, in AWS and in the memory of workers and control plane."""
        self._rig.aws.restore(self._saved)
        self._rig.clock.now = self._now
        self._rig.plane.ports.runs._days.clear()
        values = {name: _copied(value) for name, value in vars(self._scene).items()}
        return Scene(**values)

    def clean_calls(self, scenario: Scenario) -> list[Call]:
        """The calls of the request when nothing fails; it must fulfil what is expected, too."""
        scene = self.again()
        before = len(self._rig.aws.calls)
        reply = scenario.act(self._rig, scene)
        calls = self._rig.aws.calls[before:]
        assert reply is None or 200 <= reply.status < 300, reply
        finish(self._rig, scenario, scene)
        return calls


def _copied(value: Any) -> Any:
    if isinstance(value, WorkerRig):
        fresh = copy.copy(value)
        fresh.held, fresh.said = dict(value.held), dict(value.said)
        return fresh
    if isinstance(value, list):
        return [_copied(member) for member in value]
    return value


def _one(rig: Rig, scenario: Scenario, scene: Scene, strike: Strike, tally: Tally) -> None:
    rig.aws.fault = strike
    try:
        reply = scenario.act(rig, scene)
    except Killed:
        reply = None
    except HeadraceError as error:
        assert scenario.route == "tick", repr(error)  # it has no caller: only its log hears of it
        reply = None
    finally:
        rig.aws.fault = None
    assert strike.struck, "the fault did not strike"
    is_clean(reply)
    world.check_always(world.read(rig.aws))
    repeated = scenario.act(rig, scene)
    if repeated is not None:
        assert 200 <= repeated.status < 300 or repeated.status in scenario.again, f"repeated: {repeated}"
    state = fingerprint(rig, scene)
    if state not in tally.states:
        tally.states.add(state)
        finish(rig, scenario, scene)


def fingerprint(rig: Rig, scene: Scene) -> str:
    """The state that is left, with names for new ids: what follows from it need be tried only once."""
    rows = [
        json.dumps({name: _plain(value.value) for name, value in item.attrs.items() if name != "rev"})
        for partition in rig.aws.table.items.values()
        for item in partition.values()
    ]
    rows += [f"{worker.seq} {worker.held} {worker.said}" for worker in scene.workers]
    rows += sorted(rig.aws.queues)
    text = NOISE.sub("", "\n".join(sorted(rows, key=lambda row: IDENTITY.sub("", NOISE.sub("", row)))))
    known: dict[str, str] = {}
    return IDENTITY.sub(lambda found: known.setdefault(found[0], str(len(known))), text)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return str(len(value))
    return zlib.decompress(value).decode() if isinstance(value, bytes) else str(value)


IDENTITY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|headrace-local-\w+-\w+")
NOISE = re.compile(r'\\"(revision|seq)\\":\d+,?|\\"name\\":\\"[a-z]+-[a-z]+\\",')


def is_clean(reply: Reply | None) -> None:
    """A success, or an error that says what it is."""
    if reply is None or 200 <= reply.status < 300:
        return
    assert reply.status in (404, 409, 503), reply
    assert reply.body["code"] and reply.body["message"], reply
    assert "Traceback" not in str(reply.body), reply


def finish(rig: Rig, scenario: Scenario, scene: Scene) -> None:
    """Let time go on, look, and let workers do all that is left."""
    for worker in scene.workers:
        worker.sync()
    rig.clock.forward(20)
    rig.plane.tick()
    now = world.read(rig.aws)
    world.check_always(now)
    world.check_settled(now)
    scenario.expect(rig, scene, now)
    if scene.workers:
        end = drain(rig, scene.workers)
        world.check_always(end)
        world.check_settled(end)
        held = [f"{run.id} {run.state.type}" for run in end.held() if run.work_pool_name]
        assert not held, held
