"""Runs that the code of another run starts by way of its worker."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.plane import Reply, Rig, WorkerRig

PATH = "/work_pools/pool/workers/w1"


@pytest.fixture
def worker(plane: Rig) -> WorkerRig:
    """A worker with a run in hand whose deployment retries; `child` is another deployment."""
    plane.pool()
    plane.deployment(name="child")
    plane.run(plane.deployment(name="parent", retry_policy={"retries": 3}))
    made = plane.worker(limit=5)
    (grant,) = made.claim(1)
    made.start(grant)
    return made


def ask(worker: WorkerRig, **more: Any) -> Reply:
    (run, attempt), *_ = worker.held.items()
    body = {
        "session": worker.session,
        "run": run,
        "attempt": attempt,
        "deployment": "flow/child",
        "call": "c0",
    }
    return worker.rig.call("POST", f"{PATH}/create_flow_run", {**body, **more})


def test_the_same_call_finds_the_same_run(plane: Rig, worker: WorkerRig) -> None:
    first = ask(worker, tags=["a"], name="mine")
    again, other = ask(worker), ask(worker, call="c1")
    assert (first.status, again.status, other.status) == (201, 200, 201)
    assert first.body["id"] == again.body["id"] != other.body["id"]
    (parent,) = worker.held
    assert (first.body["parent_flow_run_id"], first.body["name"]) == (parent, "mine")
    assert plane.read(first.body)["parent_flow_run_id"] == parent


def test_a_run_that_shall_not_be_a_child_is_not_linked(worker: WorkerRig) -> None:
    assert ask(worker, as_child=False).body["parent_flow_run_id"] is None
    assert ask(worker, as_child=False).status == 200


@pytest.mark.parametrize("more", [{}, {"idempotency_key": "mine"}])
def test_a_deployment_that_is_not_there_is_named(worker: WorkerRig, more: dict[str, str]) -> None:
    answer = ask(worker, deployment="flow/nope", **more)
    assert (answer.status, answer.body["message"]) == (404, "There is no deployment 'flow/nope'.")


def test_a_key_of_ones_own_takes_the_place_of_the_call(plane: Rig, worker: WorkerRig) -> None:
    first = ask(worker, idempotency_key="mine").body
    assert ask(worker, idempotency_key="mine", call="c1").body["id"] == first["id"]
    child = plane.ok("GET", "/deployments/name/flow/child")
    assert plane.run(child, idempotency_key="mine")["id"] == first["id"]


@pytest.mark.parametrize(("fails", "same"), [(False, True), (True, False)])
def test_a_later_attempt_goes_on_with_what_succeeded(
    plane: Rig, worker: WorkerRig, *, fails: bool, same: bool
) -> None:
    child = ask(worker).body
    (parent,) = worker.held
    for grant in worker.claim(1):
        worker.start(grant)
    worker.end(child["id"], "FAILED" if fails else "COMPLETED")
    assert ask(worker).body["id"] == child["id"], "in the same attempt it is the answer, however it ended"
    worker.end(parent, "FAILED")
    (grant,) = worker.claim(1)
    assert (grant["run"], grant["attempt"]) == (parent, 2)
    second = ask(worker)
    assert (second.body["id"] == child["id"]) is same
    assert ask(worker).body["id"] == second.body["id"]


def test_an_attempt_that_was_given_away_starts_nothing(plane: Rig, worker: WorkerRig) -> None:
    (parent,) = worker.held
    assert ask(worker, attempt=2).body["code"] == "fenced"
    worker.end(parent)
    worker.held[parent] = 1
    reply = ask(worker)
    assert (reply.status, reply.body["code"]) == (409, "fenced")
    runs = plane.ok("POST", "/flow_runs/filter", {"deployments": {"name": {"any_": ["child"]}}})
    assert runs == []


def test_a_run_that_is_being_cancelled_starts_nothing(plane: Rig, worker: WorkerRig) -> None:
    (parent,) = worker.held
    plane.ok("POST", f"/flow_runs/{parent}/set_state", {"state": {"type": "CANCELLING"}})
    assert ask(worker).body["code"] == "cancelling"


def test_a_session_sees_the_runs_that_it_waits_for(plane: Rig, worker: WorkerRig) -> None:
    child = ask(worker).body
    path = f"{PATH}/flow_runs/{child['id']}?session={worker.session}"
    assert plane.ok("GET", path)["id"] == child["id"]
    plane.ok("DELETE", f"{PATH}/sessions/{worker.session}")
    assert plane.call("GET", path).body["code"] == "session_closed"
