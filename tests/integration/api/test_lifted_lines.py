"""What waited for a limit or a pause starts once that is lifted, all of it, in order, and without a tick.

Lines are promoted few at a time here, so that a line is long where some dozens wait in it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.services import lines
from tests.integration.api.test_why import why
from tests.support.aws import Carry
from tests.support.faults import Killed
from tests.support.plane import Rig, WorkerRig
from tests.support.strict import Call

LIMITS = "/v2/concurrency_limits"
COUNT = 11
Lift = Callable[[], object]


@pytest.fixture(autouse=True)
def few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "BATCH", 4)


def started(plane: Rig, worker: WorkerRig, *, ending: bool = True) -> list[str]:
    """What a worker takes that asks while it has free slots, as a real one does; its runs end at once, or never."""
    found: list[str] = []
    while True:
        answer = worker.sync(want=worker.limit - len(worker.held))
        for grant in answer["granted"]:
            found.append(grant["run"])
            if ending:
                worker.start(grant)
                worker.end(grant)
        if not answer["granted"] and answer["sync_within_seconds"] >= 1:
            return found


def made(plane: Rig, deployment: Any, count: int = COUNT) -> list[str]:
    runs = []
    for _ in range(count):
        plane.clock.forward(1)
        runs.append(plane.run(deployment)["id"])
    return runs


def paused(plane: Rig) -> tuple[Any, Lift]:
    deployment = plane.deployment(paused=True)
    path = f"/deployments/{deployment['id']}"
    return deployment, lambda: plane.ok("PATCH", path, {"paused": False})


def limited(plane: Rig, after: int | None) -> tuple[Any, Lift]:
    deployment = plane.deployment(concurrency_limit=0)
    path = f"/deployments/{deployment['id']}"
    return deployment, lambda: plane.ok("PATCH", path, {"concurrency_limit": after})


def tagged(plane: Rig, after: int | None) -> tuple[Any, Lift]:
    plane.ok("POST", LIMITS, {"name": "db", "limit": 0})
    change: Lift = lambda: plane.ok("PATCH", f"{LIMITS}/db", {"limit": after})  # noqa: E731
    return plane.deployment(tags=["db"]), change if after else lambda: plane.ok("DELETE", f"{LIMITS}/db")


CASES: dict[str, Callable[[Rig], tuple[Any, Lift]]] = {
    "a deployment resumed": paused,
    "a deployment's limit lifted": lambda plane: limited(plane, None),
    "a deployment's limit raised": lambda plane: limited(plane, 100),
    "a tag's limit deleted": lambda plane: tagged(plane, None),
    "a tag's limit raised": lambda plane: tagged(plane, 100),
}


@pytest.mark.parametrize("ending", [True, False], ids=["short runs", "long runs"])
@pytest.mark.parametrize("case", CASES)
def test_all_start_in_order_without_a_tick(plane: Rig, case: str, ending: bool) -> None:
    plane.pool()
    deployment, lift = CASES[case](plane)
    runs = made(plane, deployment)
    worker = plane.worker(limit=2 if ending else 100)
    assert started(plane, worker) == []
    lift()
    late = made(plane, deployment, 1)
    assert started(plane, worker, ending=ending) == [*runs, *late]


@pytest.mark.parametrize("path", ["/work_pools/pool", "/work_queues/<queue>"])
@pytest.mark.parametrize("case", CASES)
def test_lifted_while_pool_or_queue_was_paused(plane: Rig, case: str, path: str) -> None:
    path = path.replace("<queue>", plane.pool()["default_queue_id"])
    deployment, lift = CASES[case](plane)
    runs = made(plane, deployment)
    worker = plane.worker(limit=2)
    assert started(plane, worker) == []
    plane.ok("PATCH", path, {"is_paused": True})
    lift()
    assert started(plane, worker) == []
    plane.ok("PATCH", path, {"is_paused": False})
    assert started(plane, worker) == runs


def test_two_workers_of_two_queues(plane: Rig) -> None:
    plane.pool()
    plane.ok("POST", "/work_pools/pool/queues", {"name": "other"})
    plane.ok("POST", LIMITS, {"name": "db", "limit": 0})
    runs = {
        name: made(plane, plane.deployment(name=name, tags=["db"], work_queue_name=name))
        for name in ("default", "other")
    }
    plane.ok("DELETE", f"{LIMITS}/db")
    for name, expected in runs.items():
        assert started(plane, plane.worker(name=name, limit=3, work_queues=[name])) == expected


def test_those_that_cannot_start_give_way_to_those_behind(plane: Rig) -> None:
    plane.pool()
    plane.ok("POST", LIMITS, {"name": "db", "limit": 1})
    deployment = plane.deployment(paused=True)
    blocked = [plane.run(deployment, tags=["db"])["id"] for _ in range(COUNT)]
    free = made(plane, deployment)
    worker = plane.worker(limit=100)
    plane.ok("PATCH", f"/deployments/{deployment['id']}", {"paused": False})
    assert set(started(plane, worker, ending=False)) == {blocked[0], *free}


def test_nobody_else_passes_those_that_still_wait_in_the_line(plane: Rig) -> None:
    plane.pool()
    deployment, lift = paused(plane)
    runs = made(plane, deployment)
    worker = plane.worker(limit=8)
    lift()
    late = made(plane, deployment, 1)
    others = made(plane, plane.deployment(name="other"), 6)
    grants = [grant["run"] for grant in worker.claim(8)]
    grants += started(plane, worker, ending=False)
    assert grants == runs[:8]
    for run in grants:
        worker.end({"run": run, "attempt": 1})
    assert started(plane, worker, ending=True) == [*runs[8:], *late, *others]


def test_nor_where_another_worker_took_one_that_leads_and_nobody_follows_yet(plane: Rig) -> None:
    plane.pool()
    deployment, lift = paused(plane)
    runs = made(plane, deployment)
    worker, other = plane.worker(limit=4), plane.worker(name="w2")
    lift()
    later = made(plane, plane.deployment(name="other"), 2)

    def is_taken(call: Call) -> bool:
        return call.writes and f"RUN#{runs[3]}" in str(call.params)

    def die_of_it(call: Call, carry: Carry) -> object:
        done = carry()
        if is_taken(call):
            raise Killed
        return done

    def come_second(call: Call, carry: Carry) -> object:
        if is_taken(call):
            plane.aws.fault = die_of_it
            with pytest.raises(Killed):
                other.sync(want=1)
            plane.aws.fault = None
        return carry()

    plane.aws.fault = come_second
    assert [grant["run"] for grant in worker.claim(4)] == runs[:3]
    assert plane.aws.fault is None and plane.read(runs[3])["state_type"] == "PENDING"
    for run in runs[:3]:
        worker.end({"run": run, "attempt": 1})
    assert sorted(started(plane, worker)) == sorted([*runs[4:], *later])


@pytest.mark.parametrize("what", ["cancelled", "postponed", "deleted"])
def test_others_follow_those_that_led_them_and_went(plane: Rig, what: str) -> None:
    plane.pool()
    deployment, lift = paused(plane)
    runs = made(plane, deployment)
    worker = plane.worker(limit=2)
    lift()
    later = {"type": "SCHEDULED", "state_details": {"scheduled_time": plane.clock.now + timedelta(hours=1)}}
    for run in runs[:4]:
        if what == "deleted":
            assert plane.call("DELETE", f"/flow_runs/{run}").status == 204
        else:
            state = later if what == "postponed" else {"type": "CANCELLED"}
            plane.ok("POST", f"/flow_runs/{run}/set_state", {"state": state, "force": True})
    assert started(plane, worker) == runs[4:]


def test_paused_again_in_between(plane: Rig) -> None:
    plane.pool()
    deployment, lift = paused(plane)
    runs = made(plane, deployment)
    worker = plane.worker(limit=2)
    lift()
    first = worker.claim(2)
    plane.ok("PATCH", f"/deployments/{deployment['id']}", {"paused": True})
    for grant in first:
        worker.start(grant)
        worker.end(grant)
    assert started(plane, worker) == []
    lift()
    assert started(plane, worker) == runs[2:]


def test_why_says_that_one_is_in_a_line_that_is_being_emptied(plane: Rig) -> None:
    plane.pool()
    deployment, lift = paused(plane)
    runs = made(plane, deployment)
    worker = plane.worker()
    lift()
    line = "it is still in the line of deployment 'main', which is being emptied"
    text = f"It can start: {line}; {COUNT - 5} other runs of its line come first."
    assert why(plane, {"id": runs[-1]}) == ("ready", text)
    worker.claim()
    assert why(plane, {"id": runs[5]}) == (
        "busy",
        f"All 1 slots of worker 'w1' are taken; {line}; it is the next of its line.",
    )
    assert (
        why(plane, {"id": runs[1]})[1] == "All 1 slots of worker 'w1' are taken; it is the next of its queue."
    )
