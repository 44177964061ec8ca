"""One run from creation to its end, through the routes alone."""

from __future__ import annotations

from tests.support.plane import Rig


def test_a_run_goes_from_scheduled_to_completed(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment(parameters={"x": 1})
    run = plane.run(deployment, parameters={"y": 2})
    assert (run["state_type"], run["parameters"]) == ("SCHEDULED", {"x": 1, "y": 2})
    worker = plane.worker()
    (grant,) = worker.claim()
    assert (grant["run"], grant["attempt"], grant["parameters"]) == (run["id"], 1, {"x": 1, "y": 2})
    assert plane.read(run)["state_type"] == "PENDING"
    assert worker.start(grant)["verdict"] == "accepted"
    plane.clock.forward(3)
    assert worker.end(grant, result={"sum": 3})["verdict"] == "accepted"
    after = plane.read(run)
    assert (after["state_type"], after["total_run_time"], after["result"]) == ("COMPLETED", 3.0, {"sum": 3})
    assert [state["type"] for state in after["state_history"]] == ["SCHEDULED", "PENDING", "RUNNING"]
