"""`why`: one sentence for each reason, true to what the claim does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.plane import Rig


def why(plane: Rig, run: Any) -> tuple[str, str]:
    answer = plane.ok("GET", f"/flow_runs/{run['id']}/why")
    assert set(answer) == {"code", "reason", "hint"}
    assert answer["reason"].endswith(".")
    return answer["code"], answer["reason"]


def test_not_due_yet(plane: Rig) -> None:
    plane.pool()
    at = {"type": "SCHEDULED", "state_details": {"scheduled_time": "2026-03-02T12:10:00Z"}}
    run = plane.run(plane.deployment(), state=at)
    assert why(plane, run) == ("wait", "It is not due until 2026-03-02 12:10:00 UTC.")


def test_waiting_to_be_retried(plane: Rig) -> None:
    plane.pool()
    run = plane.run(plane.deployment(retry_policy={"retries": 1, "delay": 60}))
    worker = plane.worker()
    (grant,) = worker.claim()
    worker.start(grant)
    worker.end(grant, "FAILED")
    assert why(plane, run) == ("wait", "It waits to be retried until 2026-03-02 12:01:00 UTC.")


@pytest.mark.parametrize(
    ("what", "path", "member"),
    [
        ("Work pool 'pool'", "/work_pools/pool", "is_paused"),
        ("Work queue 'default'", "/work_queues/<queue>", "is_paused"),
        ("Deployment 'flow/main'", "/deployments/<deployment>", "paused"),
    ],
)
def test_paused_since(plane: Rig, what: str, path: str, member: str) -> None:
    pool = plane.pool()
    deployment = plane.deployment()
    path = path.replace("<queue>", pool["default_queue_id"]).replace("<deployment>", deployment["id"])
    run = plane.run(deployment)
    plane.clock.forward(5)
    plane.ok("PATCH", path, {member: True})
    plane.clock.forward(60)
    plane.ok("PATCH", path, {"description": "the pause goes on"})
    code = "line" if member == "paused" else "wait"
    assert why(plane, run) == (code, f"{what} is paused since 2026-03-02 12:00:05 UTC.")


@pytest.mark.parametrize(
    ("what", "code"),
    [("pool 'pool'", "wait"), ("queue 'pool/q'", "wait"), ("tag 'db'", "line"), ("deployment", "line")],
)
def test_a_limit_and_who_holds_it(plane: Rig, what: str, code: str) -> None:
    plane.pool(concurrency_limit=1 if what.startswith("pool") else None)
    limit = 1 if what.startswith("queue") else None
    plane.ok("POST", "/work_pools/pool/queues", {"name": "q", "concurrency_limit": limit})
    if what.startswith("tag"):
        plane.ok("POST", "/v2/concurrency_limits", {"name": "db", "limit": 1})
    limit = 1 if what == "deployment" else None
    deployment = plane.deployment(tags=["db"], work_queue_name="q", concurrency_limit=limit)
    holder, run = plane.run(deployment), plane.run(deployment)
    worker = plane.worker(limit=2)
    assert [grant["run"] for grant in worker.claim(2)] == [holder["id"]]
    named = "deployment 'flow/main'" if what == "deployment" else what
    assert why(plane, run) == (
        code,
        f"Limit 1 of {named} is held by run {holder['name']!r} ({holder['id']}).",
    )
    hint = plane.ok("GET", f"/flow_runs/{run['id']}/why")["hint"]
    assert ("deploy flow/main again with --concurrency-limit N" in hint) == (what == "deployment")


def test_a_paused_deployment_that_nobody_serves(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment()
    run = plane.run(deployment)
    plane.ok("PATCH", f"/deployments/{deployment['id']}", {"paused": True})
    resume = "Resume it: headrace deployment resume flow/main"
    nobody = "No worker is online for its queue: start one, or the program that serves it."
    assert plane.ok("GET", f"/flow_runs/{run['id']}/why")["hint"] == f"{nobody} {resume}"
    plane.worker()
    assert plane.ok("GET", f"/flow_runs/{run['id']}/why")["hint"] == resume


def test_a_limit_of_0(plane: Rig) -> None:
    plane.pool(concurrency_limit=0)
    run = plane.run(plane.deployment())
    assert why(plane, run) == ("wait", "Limit 0 of pool 'pool' lets nothing start.")


def test_no_worker(plane: Rig) -> None:
    plane.pool()
    run = plane.run(plane.deployment())
    assert why(plane, run) == ("no_worker", "No worker is online for queue 'default' of pool 'pool'.")
    plane.worker()
    plane.clock.forward(181)
    code, reason = why(plane, run)
    assert (code, reason[-31:]) == ("no_worker", " since 2026-03-02 12:00:00 UTC.")


def test_no_worker_for_its_queue(plane: Rig) -> None:
    plane.pool()
    plane.ok("POST", "/work_pools/pool/queues", {"name": "q"})
    run = plane.run(plane.deployment(work_queue_name="q"))
    plane.worker(work_queues=["default"])
    assert why(plane, run)[0] == "no_worker"


def test_busy_and_ready(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment()
    runs = [plane.run(deployment) for _ in range(3)]
    worker = plane.worker()
    code, reason = why(plane, runs[1])
    assert (code, "worker 'w1'" in reason, "1 other run of its queue comes first" in reason) == (
        "ready",
        True,
        True,
    )
    worker.claim()
    code, reason = why(plane, runs[2])
    assert (code, "All 1 slots of worker 'w1' are taken" in reason) == ("busy", True)


def test_a_run_that_is_over_takes_no_slot(plane: Rig) -> None:
    """The session still names it until its lease is written anew: neither `why` nor the tick goes by that."""
    plane.pool()
    deployment = plane.deployment()
    worker = plane.worker()
    plane.run(deployment)
    (grant,) = worker.claim()
    worker.start(grant)
    run = plane.run(deployment)
    assert why(plane, run)[0] == "busy"
    plane.plane.tick()
    worker.end(grant)
    plane.clock.forward(2)
    offered = "It can start: it was offered to worker 'w1' 2 s ago; it is the next of its queue."
    assert why(plane, run) == ("ready", offered)
    plane.aws.calls.clear()
    plane.plane.tick()
    assert [call.operation for call in plane.aws.calls if call.service == "sqs"] == ["SendMessageBatch"]


def test_where_a_run_that_does_not_wait_is(plane: Rig) -> None:
    plane.pool()
    run = plane.run(plane.deployment())
    worker = plane.worker()
    (grant,) = worker.claim()
    plane.clock.forward(2)
    assert why(plane, run) == ("offered", "It was taken by worker 'w1' 2 s ago, which now prepares it.")
    worker.start(grant)
    plane.clock.forward(3)
    assert why(plane, run) == ("held", "Running on worker 'w1' for 3 s.")
    worker.end(grant, "FAILED", message="It broke.")
    assert why(plane, run) == ("over", "It is Failed: It broke.")


@pytest.mark.parametrize(
    "limits", [{"timeout_seconds": 2.5}, {"timeout_seconds": 60, "job_variables": {"timeout": 2.5}}]
)
def test_a_run_that_goes_on_after_its_time(plane: Rig, limits: dict[str, Any]) -> None:
    """It may take all of its grace to end, if it catches what is to stop it."""
    plane.pool()
    run = plane.run(plane.deployment(**limits))
    worker = plane.worker()
    worker.start(worker.claim()[0])
    plane.clock.forward(2)
    assert why(plane, run) == ("held", "Running on worker 'w1' for 2 s.")
    plane.clock.forward(2)
    text = "Running on worker 'w1' for 4 s; its 2.5 s are over, and its worker is ending it."
    assert why(plane, run) == ("held", text)


def test_its_place_is_gone(plane: Rig) -> None:
    plane.pool()
    bare = plane.ok(
        "POST", "/flow_runs", {"flow_id": plane.deployment()["flow_id"], "state": {"type": "SCHEDULED"}}
    )
    assert why(plane, bare) == ("gone", "It has no work pool: no worker ever starts it.")


def test_skipped_because_its_successor_is_due(plane: Rig) -> None:
    plane.pool()
    plane.deployment(schedules=[{"schedule": {"interval": 60}}])
    body = {"sort": "EXPECTED_START_TIME_ASC", "limit": 1}
    (first,) = plane.ok("POST", "/flow_runs/filter", body)
    plane.clock.forward(150)
    code, reason = why(plane, first)
    assert (code, reason.startswith("Not run: a later occurrence (")) == ("skip", True)
    plane.worker(limit=5).claim(5)
    after = plane.read(first)
    assert (after["state_type"], after["state_name"], after["state"]["message"]) == (
        "CANCELLED",
        "Skipped",
        reason,
    )
    assert why(plane, first) == ("over", reason.replace("Not run: ", "It is Skipped: ", 1))


@pytest.mark.parametrize(
    ("values", "path", "changes", "hint"),
    [
        ({}, "/work_pools/pool", {"is_paused": True}, "headrace work-pool resume pool"),
        ({}, "/deployments/<id>", {"paused": True}, "headrace deployment resume flow/main"),
        (
            {},
            "/work_pools/pool",
            {"concurrency_limit": 0},
            "headrace work-pool update pool --concurrency-limit N",
        ),
        ({}, "/work_pools/pool", {"description": "as ever"}, "headrace worker start --pool pool"),
        ({"tags": ["a b"]}, "/v2/concurrency_limits/a%20b", {"limit": 0}, "concurrency-limit update 'a b' N"),
    ],
)
def test_what_can_be_done_about_it(
    plane: Rig, values: dict[str, Any], path: str, changes: dict[str, Any], hint: str
) -> None:
    plane.pool()
    plane.ok("POST", "/v2/concurrency_limits", {"name": "a b", "limit": 1})
    deployment = plane.deployment()
    run = plane.run(deployment, **values)
    plane.ok("PATCH", path.replace("<id>", deployment["id"]), changes)
    assert hint in plane.ok("GET", f"/flow_runs/{run['id']}/why")["hint"]


def test_a_worker_about_to_leave_takes_nothing(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment()
    plane.run(deployment)
    leaving = plane.worker(name="w1", limit=2)
    (grant,) = leaving.claim(2)
    leaving.start(grant)
    run = plane.run(deployment)
    leaving.limit = 0
    leaving.sync()
    text = "No worker takes runs of queue 'default' any more: worker 'w1' is about to leave."
    assert why(plane, run) == ("no_worker", text)
    plane.worker(name="w2")
    assert why(plane, run)[1] == (
        "It can start: it was offered to worker 'w2' 0 s ago; it is the next of its queue."
    )


def test_what_to_do_about_one_that_is_over(plane: Rig) -> None:
    plane.pool()
    run = plane.run(plane.deployment())
    worker = plane.worker()
    (grant,) = worker.claim()
    error = {"type": "ImportError", "message": "x", "traceback": "Traceback", "hint": "Install it."}
    worker.end(grant, "CRASHED", message="no 'x'.", error=error)
    told = plane.ok("GET", f"/flow_runs/{run['id']}/why")
    assert told["reason"] == "It is Crashed: no 'x'."
    assert told["hint"] == f"Install it. See its traceback: headrace flow-run inspect {run['id']}"
