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
