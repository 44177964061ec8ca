"""Which version of its deployment a run executes: the one in force at its first start, and that for good."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.plane import Rig, WorkerRig

FAILED = {"type": "SCHEDULED", "message": "again"}


@pytest.fixture
def worker(plane: Rig) -> WorkerRig:
    plane.pool()
    return plane.worker(limit=5)


def _deploy(rig: Rig, number: int, **values: Any) -> Any:
    """A version whose entrypoint, label and job variables say its number."""
    variables = {"env": {"N": str(number)}}
    return rig.deployment(
        entrypoint=f"v{number}.py:f",
        version=f"v{number}",
        job_variables=variables,
        timeout_seconds=number,
        **values,
    )


def _roll_back(rig: Rig, deployment: Any, number: int) -> None:
    rig.ok("POST", f"/deployments/{deployment['id']}/rollback", {"version": number})


def _recorded(rig: Rig, run: Any) -> tuple[int | None, str | None]:
    shown = rig.read(run)
    return shown["deployment_version_number"], shown["deployment_version"]


def _executes(grant: Any) -> tuple[str, str, float]:
    return grant["entrypoint"], grant["configuration"]["env"]["N"], grant["timeout_seconds"]


def test_a_run_records_its_version_when_it_is_made(plane: Rig, worker: WorkerRig) -> None:
    run = plane.run(_deploy(plane, 1))
    assert _recorded(plane, run) == (1, "v1")
    later = plane.run(_deploy(plane, 2))
    assert (_recorded(plane, run), _recorded(plane, later)) == ((1, "v1"), (2, "v2"))


def test_what_waits_starts_under_the_version_in_force(plane: Rig, worker: WorkerRig) -> None:
    _deploy(plane, 1)
    deployment = _deploy(plane, 2)
    run = plane.run(deployment)
    _roll_back(plane, deployment, 1)
    (grant,) = worker.claim()
    assert _executes(grant) == ("v1.py:f", "1", 1.0)
    assert _recorded(plane, run) == (3, "v1")


def test_a_rerun_and_a_retry_run_the_code_of_the_first_start(plane: Rig, worker: WorkerRig) -> None:
    deployment = _deploy(plane, 1, retry_policy={"retries": 1})
    run = plane.run(deployment)
    (grant,) = worker.claim()
    worker.start(grant)
    _deploy(plane, 2)
    worker.end(grant, "FAILED")
    plane.clock.forward(1)
    (retried,) = worker.claim()
    assert (_executes(retried), retried["attempt"]) == (("v1.py:f", "1", 1.0), 2)
    worker.start(retried)
    worker.end(retried, "FAILED")
    plane.ok("POST", f"/flow_runs/{run['id']}/set_state", {"state": FAILED, "force": True})
    (again,) = worker.claim()
    assert _executes(again) == ("v1.py:f", "1", 1.0)
    assert _recorded(plane, run) == (1, "v1")
    new = plane.run(deployment)
    (fresh,) = worker.claim()
    assert (fresh["run"], _executes(fresh)) == (new["id"], ("v2.py:f", "2", 2.0))


def test_a_run_that_never_started_takes_the_mended_version(plane: Rig, worker: WorkerRig) -> None:
    run = plane.run(_deploy(plane, 1))
    (grant,) = worker.claim()
    worker.end(grant, "CRASHED", message="The code could not be made ready.")
    _deploy(plane, 2)
    plane.ok("POST", f"/flow_runs/{run['id']}/set_state", {"state": FAILED, "force": True})
    (again,) = worker.claim()
    assert _executes(again) == ("v2.py:f", "2", 2.0)
    assert _recorded(plane, run) == (2, "v2")


def test_a_lost_answer_is_given_again_under_the_same_version(plane: Rig, worker: WorkerRig) -> None:
    deployment = _deploy(plane, 1)
    plane.run(deployment)
    (grant,) = worker.claim()
    worker.held.clear()
    _deploy(plane, 2)
    (again,) = worker.sync(heard=None)["granted"]
    assert (again["attempt"], _executes(again)) == (grant["attempt"], _executes(grant))


def test_while_pinned_runs_are_of_the_pinned_version(plane: Rig, worker: WorkerRig) -> None:
    deployment = _deploy(plane, 1)
    plane.ok("POST", f"/deployments/{deployment['id']}/pin")
    _deploy(plane, 2)
    run = plane.run(deployment)
    assert _executes(worker.claim()[0]) == ("v1.py:f", "1", 1.0)
    plane.ok("POST", f"/deployments/{deployment['id']}/unpin")
    other = plane.run(deployment)
    assert _executes(worker.claim()[0]) == ("v2.py:f", "2", 2.0)
    assert (_recorded(plane, run), _recorded(plane, other)) == ((1, "v1"), (2, "v2"))


def test_an_ordinary_claim_reads_no_version(plane: Rig, worker: WorkerRig) -> None:
    _deploy(plane, 1)
    plane.run(_deploy(plane, 2))
    before = len(plane.aws.calls)
    assert worker.claim()
    assert not [call for call in plane.aws.calls[before:] if "DEFINITION#" in str(call.params)]


def test_labels_are_added_to_a_run(plane: Rig, worker: WorkerRig) -> None:
    run = plane.run(_deploy(plane, 1), labels={"team": "data", "tries": 1})
    path = f"/flow_runs/{run['id']}/labels"
    assert plane.call("PATCH", path, {"tries": 2, "share": 0.5, "urgent": True}).status == 204
    labels = {"team": "data", "tries": 2, "share": 0.5, "urgent": True}
    assert plane.read(run)["labels"] == labels
    assert plane.call("PATCH", path, {"long": "x" * 32_000}).status == 204
    assert plane.call("PATCH", path, {"longer": "x" * 1000}).status == 413


def test_a_deployment_is_ready_while_a_worker_serves_its_queue(plane: Rig) -> None:
    plane.pool()
    plane.ok("POST", "/work_pools/pool/queues", {"name": "second"})
    one, other = plane.deployment(), plane.deployment(name="other", work_queue_name="second")
    worker = plane.worker(work_queues=["default"])

    def statuses() -> list[str]:
        rows = plane.ok("POST", "/deployments/filter", {})
        single = [plane.ok("GET", f"/deployments/{each['id']}") for each in (one, other)]
        assert [row["status"] for row in rows] == [row["status"] for row in single]
        return [row["status"] for row in rows]

    assert statuses() == ["READY", "NOT_READY"]
    plane.clock.forward(plane.plane.ports.settings.idle_lease_seconds + 1)
    assert statuses() == ["NOT_READY", "NOT_READY"]
    worker.sync()


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_parameters_of_a_deployment_must_fit_its_schema(plane: Rig, method: str) -> None:
    plane.pool()
    schema = {
        "type": "object",
        "properties": {"x": {"type": "integer"}, "day": {"type": "string"}},
        "required": ["x", "day"],
    }
    made = plane.deployment(parameter_openapi_schema=schema, parameters={"x": 1})
    bad = {"parameters": {"x": "many"}}
    if method == "POST":
        bad |= {"name": "main", "flow_id": made["flow_id"], "parameter_openapi_schema": schema}
    path = "/deployments" if method == "POST" else f"/deployments/{made['id']}"
    reply = plane.call(method, path, bad)
    assert (reply.status, reply.body["errors"][0]["path"]) == (422, "parameters.x")
    assert plane.ok("GET", f"/deployments/{made['id']}") == made
    assert plane.call(method, path, {**bad, "enforce_parameter_schema": False}).status < 300
