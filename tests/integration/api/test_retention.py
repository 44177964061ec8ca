"""What is past its retention is gone for every reader, also while DynamoDB has not yet deleted it."""

from __future__ import annotations

from typing import Any

from tests.support import world
from tests.support.plane import Rig

DAY = 86_400


def _finished(plane: Rig) -> Any:
    plane.pool()
    run = plane.run(plane.deployment())
    worker = plane.worker()
    (grant,) = worker.claim()
    worker.start(grant)
    worker.sync(logs=[{"run": run["id"], "attempt": 1, "seq": 1, "records": [_record(plane)]}])
    worker.end(grant)
    return run


def _record(plane: Rig) -> dict[str, Any]:
    return {"at": plane.clock.now, "level": 20, "name": "flow", "message": "said"}


def _logs(plane: Rig, run: Any) -> list[Any]:
    body = {"logs": {"flow_run_id": {"any_": [run["id"]]}}}
    return list(plane.ok("POST", "/logs/filter", body))


def test_a_finished_run_and_its_log_are_kept_for_the_time_set_and_no_longer(plane: Rig) -> None:
    run = _finished(plane)
    plane.clock.forward(30 * DAY - 60)
    assert plane.read(run)["state_type"] == "COMPLETED"
    assert [record["message"] for record in _logs(plane, run)] == ["said"]
    plane.clock.forward(120)
    assert plane.call("GET", f"/flow_runs/{run['id']}").status == 404
    assert plane.call("GET", f"/flow_runs/{run['id']}/why").status == 404
    assert plane.ok("POST", "/flow_runs/filter", {}) == []
    by_deployment = {"flow_runs": {"deployment_id": {"any_": [run["deployment_id"]]}}}
    assert plane.ok("POST", "/flow_runs/filter", by_deployment) == []
    assert _logs(plane, run) == []
    assert len(world.read(plane.aws).runs) == 1, "it is the reading that leaves it out"


def test_the_log_of_a_long_run_is_whole_until_the_run_goes(plane: Rig) -> None:
    """Of one that goes on for thirty days."""
    plane.pool()
    run = plane.run(plane.deployment())
    worker = plane.worker()
    (grant,) = worker.claim()
    worker.start(grant)
    for number in range(1, 26):
        said = [{**_record(plane), "message": f"early {number}"}]
        worker.sync(logs=[{"run": run["id"], "attempt": 1, "seq": number, "records": said}])
    plane.clock.forward(30 * DAY - 1)
    worker.sync(logs=[{"run": run["id"], "attempt": 1, "seq": 99, "records": [_record(plane)]}])
    assert len(_logs(plane, run)) == 26
    worker.end(grant)
    plane.clock.forward(30 * DAY - 60)
    assert len(_logs(plane, run)) == 26
    plane.clock.forward(120)
    assert _logs(plane, run) == []


def test_chunks_past_their_time_do_not_hide_those_behind_them(plane: Rig) -> None:
    run = _finished(plane)
    for number in range(25):
        old = {"level": 20, "name": "n", "timestamp": "2026-01-01T00:00:00Z", "flow_run_id": run["id"]}
        plane.ok("POST", "/logs", [{**old, "message": f"early {number}"}])
    plane.clock.forward(29 * DAY)
    plane.ok("POST", f"/flow_runs/{run['id']}/set_state", {"state": {"type": "SCHEDULED"}, "force": True})
    plane.clock.forward(32 * DAY)
    late = {**old, "timestamp": plane.clock.now, "message": "late"}
    plane.ok("POST", "/logs", [late])
    for sort in ("TIMESTAMP_ASC", "TIMESTAMP_DESC"):
        body = {"logs": {"flow_run_id": {"any_": [run["id"]]}}, "sort": sort}
        assert [row["message"] for row in plane.ok("POST", "/logs/filter", body)] == ["late"]


def test_a_run_that_waits_is_kept_however_long_it_waits(plane: Rig) -> None:
    plane.pool()
    run = plane.run(plane.deployment())
    plane.clock.forward(400 * DAY)
    assert plane.read(run)["state_name"] == "Late"
    (grant,) = plane.worker().claim()
    assert grant["run"] == run["id"]


def test_a_rerun_is_kept_anew(plane: Rig) -> None:
    run = _finished(plane)
    plane.clock.forward(29 * DAY)
    plane.ok("POST", f"/flow_runs/{run['id']}/set_state", {"state": {"type": "SCHEDULED"}, "force": True})
    plane.clock.forward(5 * DAY)
    assert plane.read(run)["state_type"] == "SCHEDULED"


def test_a_new_run_of_a_forgotten_ones_id_begins_with_an_empty_log(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment()
    first = plane.run(deployment, idempotency_key="daily")
    worker = plane.worker()
    worker.start(*worker.claim())
    worker.sync(logs=[{"run": first["id"], "attempt": 1, "seq": 1, "records": [_record(plane)]}])
    _say(plane, first, "by itself")
    worker.end(first["id"])
    assert len(_logs(plane, first)) == 2
    plane.clock.forward(31 * DAY)
    again = plane.run(deployment, idempotency_key="daily", parameters={"x": "y" * 5000})
    assert again["id"] == first["id"]
    assert _logs(plane, again) == []
    _say(plane, again, "of this run")
    assert [row["message"] for row in _logs(plane, again)] == ["of this run"]


def test_what_is_said_of_a_run_that_was_deleted_is_not_in_the_next_one_of_its_id(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment()
    first = plane.run(deployment, idempotency_key="daily")
    plane.ok("DELETE", f"/flow_runs/{first['id']}")
    _say(plane, first, "too late")
    plane.clock.forward(60)
    assert _logs(plane, plane.run(deployment, idempotency_key="daily")) == []


def _say(plane: Rig, run: Any, message: str) -> None:
    row = {"level": 20, "name": "n", "timestamp": plane.clock.now, "flow_run_id": run["id"]}
    plane.ok("POST", "/logs", [{**row, "message": message}])
