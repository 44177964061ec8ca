"""Making runs, and proposing states to them, through the routes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.plane import Rig

SCHEMA = {
    "type": "object",
    "properties": {"x": {"type": "integer"}, "y": {"type": "string", "default": "a"}},
    "required": ["x"],
}


def propose(plane: Rig, run: Any, state: str, force: bool = False, **more: Any) -> Any:
    body = {"state": {"type": state, **more}, "force": force}
    reply = plane.call("POST", f"/flow_runs/{run['id']}/set_state", body)
    assert reply.status == 201
    assert set(reply.body) == {"status", "state", "details"}
    kind = {"ACCEPT": "accept_details", "REJECT": "reject_details"}[reply.body["status"]]
    assert reply.body["details"]["type"] == kind
    assert ("reason" in reply.body["details"]) == (kind == "reject_details")
    assert reply.body["state"] == plane.read(run)["state"]
    return reply.body["status"], reply.body["state"]["type"], reply.body["state"]["name"]


def a_run(plane: Rig, state: str) -> tuple[Any, Any]:
    """A run in this state, and the worker that has or had it."""
    plane.pool()
    run = plane.run(plane.deployment())
    if state == "SCHEDULED":
        return run, None
    worker = plane.worker()
    (grant,) = worker.claim()
    if state != "PENDING":
        worker.start(grant)
    if state in ("COMPLETED", "FAILED", "CRASHED"):
        worker.end(grant, state)
    if state in ("CANCELLING", "CANCELLED"):
        propose(plane, run, "CANCELLING")
    if state == "CANCELLED":
        worker.report(grant, "cancelled")
    assert plane.read(run)["state_type"] == state
    return run, worker


ANSWERS = {
    ("SCHEDULED", "CANCELLING"): ("REJECT", "CANCELLED"),
    ("SCHEDULED", "CANCELLED"): ("ACCEPT", "CANCELLED"),
    ("SCHEDULED", "SCHEDULED"): ("ACCEPT", "SCHEDULED"),
    ("PENDING", "CANCELLING"): ("ACCEPT", "CANCELLING"),
    ("PENDING", "CANCELLED"): ("REJECT", "CANCELLING"),
    ("RUNNING", "CANCELLING"): ("ACCEPT", "CANCELLING"),
    ("RUNNING", "CANCELLED"): ("REJECT", "CANCELLING"),
    ("CANCELLING", "CANCELLING"): ("ACCEPT", "CANCELLING"),
    ("CANCELLING", "CANCELLED"): ("REJECT", "CANCELLING"),
}
"""What a person may bring about; every other proposal is refused and changes nothing."""
STATES = ("SCHEDULED", "PENDING", "RUNNING", "CANCELLING", "COMPLETED", "FAILED", "CRASHED", "CANCELLED")
PROPOSED = (*STATES, "PAUSED")


@pytest.mark.parametrize("state", STATES)
def test_what_becomes_of_each_proposal(plane: Rig, state: str) -> None:
    run, _ = a_run(plane, state)
    refused = [wanted for wanted in PROPOSED if (state, wanted) not in ANSWERS]
    for wanted in refused:
        before = plane.read(run)
        assert propose(plane, run, wanted)[:2] == ("REJECT", state), wanted
        assert plane.read(run) == before
    allowed = [wanted for wanted in PROPOSED if (state, wanted) in ANSWERS]
    if allowed:
        assert propose(plane, run, allowed[0])[:2] == ANSWERS[state, allowed[0]]


@pytest.mark.parametrize(("state", "wanted"), ANSWERS)
def test_what_a_person_may_bring_about(plane: Rig, state: str, wanted: str) -> None:
    run, _ = a_run(plane, state)
    assert propose(plane, run, wanted, message="because")[:2] == ANSWERS[state, wanted]


def test_who_wants_a_run_of_a_worker_paused_is_told_what_can_be_done(plane: Rig) -> None:
    run, _ = a_run(plane, "RUNNING")
    reply = plane.call("POST", f"/flow_runs/{run['id']}/set_state", {"state": {"type": "PAUSED"}})
    text = "The run is RUNNING: it cannot be made PAUSED by hand. It can be cancelled."
    assert reply.body["details"]["reason"] == text


@pytest.mark.parametrize("state", ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"])
def test_a_rerun_needs_force_and_keeps_the_id(plane: Rig, state: str) -> None:
    run, worker = a_run(plane, state)
    status, *_ = propose(plane, run, "SCHEDULED", name="AwaitingRetry")
    assert status == "REJECT"
    assert propose(plane, run, "SCHEDULED", force=True)[:2] == ("ACCEPT", "SCHEDULED")
    (grant,) = worker.claim()
    assert (grant["run"], grant["attempt"], grant["run_count"]) == (run["id"], 2, 1)
    worker.start(grant)
    worker.end(grant)
    after = plane.read(run)
    assert (after["state_type"], [a["attempt"] for a in after["attempts"]]) == ("COMPLETED", [1, 2])


def test_a_run_can_be_put_off(plane: Rig) -> None:
    run, _ = a_run(plane, "SCHEDULED")
    worker = plane.worker()
    details = {"scheduled_time": "2026-03-02T12:10:00Z"}
    assert propose(plane, run, "SCHEDULED", state_details=details) == ("ACCEPT", "SCHEDULED", "Scheduled")
    assert plane.read(run)["expected_start_time"] == "2026-03-02T12:10:00Z"
    assert worker.claim() == []
    plane.clock.forward(600)
    assert len(worker.claim()) == 1


def test_a_cancel_reaches_the_worker_that_has_the_run(plane: Rig) -> None:
    run, worker = a_run(plane, "RUNNING")
    propose(plane, run, "CANCELLING", message="enough")
    (command,) = worker.sync()["commands"]
    assert (command["kind"], command["run"], command["attempt"]) == ("cancel", run["id"], 1)
    assert worker.report(run["id"], "cancelled")["state"]["type"] == "CANCELLED"
    assert plane.read(run)["state"]["message"] == "enough"


def test_parameters_are_merged_and_checked(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment(parameters={"x": 1}, parameter_openapi_schema=SCHEMA)
    assert plane.run(deployment)["parameters"] == {"x": 1}
    assert plane.run(deployment, parameters={"x": 2, "y": "b"})["parameters"] == {"x": 2, "y": "b"}
    path = f"/deployments/{deployment['id']}/create_flow_run"
    refused = plane.call("POST", path, {"parameters": {"x": "many", "z": 1}})
    assert refused.status == 422
    assert {e["path"] for e in refused.body["errors"]} == {"parameters.x", "parameters.z"}
    unchecked = plane.run(deployment, parameters={"x": "many"}, enforce_parameter_schema=False)
    assert unchecked["parameters"] == {"x": "many"}


@pytest.mark.parametrize(
    "value",
    [10**400, -(10**30), 1e-300, "\x00", "\U0001f600", "x" * 90_000, None, [[[]]], {"": {"": 1}}, True, 0.1],
    ids=lambda value: str(value)[:12].encode("unicode_escape").decode(),
)
def test_any_json_value_survives_as_a_parameter(plane: Rig, value: Any) -> None:
    plane.pool()
    run = plane.run(plane.deployment(), parameters={"x": value})
    assert run["parameters"] == plane.read(run)["parameters"] == {"x": value}
    assert plane.worker().claim()[0]["parameters"] == {"x": value}


def test_a_run_of_the_future_waits(plane: Rig) -> None:
    plane.pool()
    at = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2026-03-02T13:00:00+01:00"}}
    later = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2026-03-02T12:00:30Z"}}
    now, run = (plane.run(plane.deployment(), state=state, tags=["t", "t"]) for state in (at, later))
    assert run["next_scheduled_start_time"] == run["expected_start_time"] == "2026-03-02T12:00:30Z"
    assert run["state"]["state_details"]["scheduled_time"] == "2026-03-02T12:00:30Z"
    assert run["tags"] == ["t"]
    worker = plane.worker(limit=2)
    assert [grant["run"] for grant in worker.claim(2)] == [now["id"]]
    plane.clock.forward(29)
    assert [grant["run"] for grant in worker.claim(2)] == [run["id"]]


def test_a_patch_of_parameters_is_held_to_the_schema_as_a_new_run_is(plane: Rig) -> None:
    plane.pool()
    schema = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
    deployment = plane.deployment(parameter_openapi_schema=schema)
    run = plane.run(deployment, parameters={"x": 1})
    for wrong in ({"x": "one"}, {}):
        reply = plane.call("PATCH", f"/flow_runs/{run['id']}", {"parameters": wrong})
        assert (reply.status, reply.body["errors"][0]["path"]) == (422, "parameters.x")
    assert plane.read(run)["parameters"] == {"x": 1}
    plane.ok("PATCH", f"/flow_runs/{run['id']}", {"parameters": {"x": 2}})
    plane.ok("PATCH", f"/deployments/{deployment['id']}", {"enforce_parameter_schema": False})
    plane.ok("PATCH", f"/flow_runs/{run['id']}", {"parameters": {"x": "one"}})


def test_a_patch_changes_only_what_it_names(plane: Rig) -> None:
    plane.pool()
    before = plane.run(plane.deployment(), parameters={"x": 1}, tags=["t"])
    plane.clock.forward(1)
    plane.ok("PATCH", f"/flow_runs/{before['id']}", {"parameters": {"x": 2}, "tags": ["a", "b"]})
    after = plane.read(before)
    changed = {key: after[key] for key in after if after[key] != before[key]}
    changed.pop("estimated_start_time_delta")
    assert changed.pop("updated") > before["updated"]
    assert changed == {"parameters": {"x": 2}, "tags": ["a", "b"]}


def test_a_run_is_deleted_with_its_log(plane: Rig) -> None:
    run, _ = a_run(plane, "COMPLETED")
    record = {"name": "n", "level": 20, "message": "m", "timestamp": "2026-03-02T12:00:00Z"}
    plane.ok("POST", "/logs", [{**record, "flow_run_id": run["id"]}])
    plane.ok("DELETE", f"/flow_runs/{run['id']}")
    assert plane.call("GET", f"/flow_runs/{run['id']}").status == 404
    assert plane.ok("POST", "/logs/filter", {"logs": {"flow_run_id": {"any_": [run["id"]]}}}) == []
    assert plane.ok("POST", "/flow_runs/filter", {}) == []


def test_an_engine_moves_its_subflow_along_the_same_table(plane: Rig) -> None:
    flow = plane.ok("POST", "/flows", {"name": "flow"})

    def subflow(**state: Any) -> Any:
        body = {"flow_id": flow["id"], **({"state": state} if state else {})}
        return plane.ok("POST", "/flow_runs", body)

    run = subflow()
    assert (run["state_type"], run["deployment_id"], run["work_pool_name"]) == ("PENDING", None, None)
    assert propose(plane, run, "COMPLETED")[:2] == ("REJECT", "PENDING")
    assert propose(plane, run, "RUNNING")[:2] == ("ACCEPT", "RUNNING")
    plane.clock.forward(2)
    assert propose(plane, run, "COMPLETED", data={"sum": 3})[:2] == ("ACCEPT", "COMPLETED")
    after = plane.read(run)
    assert (after["total_run_time"], after["result"], after["run_count"]) == (2.0, {"sum": 3}, 1)
    ways = (
        ("SCHEDULED", ["CANCELLED"]),
        ("PENDING", ["RUNNING", "CANCELLING", "CANCELLED"]),
        ("PENDING", ["RUNNING", "PAUSED", "SCHEDULED", "PENDING", "RUNNING", "COMPLETED"]),
        ("PENDING", ["RUNNING", "PAUSED", "CANCELLED"]),
    )
    for first, way in ways:
        run = subflow(type=first)
        for step in way:
            assert propose(plane, run, step)[:2] == ("ACCEPT", step)


def test_a_result_that_is_too_large_ends_the_run_all_the_same(plane: Rig) -> None:
    run, worker = a_run(plane, "RUNNING")
    verdict = worker.end(run["id"], result="x" * 300_001, message="done")
    assert verdict["verdict"] == "accepted"
    after = plane.read(run)
    assert (after["state_type"], after["result"]) == ("COMPLETED", None)
    assert "300003 bytes" in after["state"]["message"]


def test_a_wish_to_retry_in_ages_is_no_error(plane: Rig) -> None:
    plane.pool()
    run = plane.run(plane.deployment(retry_policy={"retries": 1}))
    worker = plane.worker()
    (grant,) = worker.claim()
    worker.start(grant)
    assert worker.end(grant, "FAILED", retry={"wanted": True, "after": 1e300})["verdict"] == "accepted"
    assert plane.read(run)["state_name"] == "AwaitingRetry"


def test_long_messages_of_many_attempts_do_not_outgrow_the_table(plane: Rig) -> None:
    plane.pool()
    run = plane.run(plane.deployment(retry_policy={"retries": 60}))
    worker = plane.worker()
    for _ in range(45):
        (grant,) = worker.claim()
        worker.start(grant)
        text = "\U0001f600" * 10_000
        assert worker.end(grant, "FAILED", message=text)["verdict"] == "accepted"
    after = plane.read(run)
    assert (after["run_count"], len(after["state_history"])) == (45, 40)
    assert after["state"]["message"] == text
