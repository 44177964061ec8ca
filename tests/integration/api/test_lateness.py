"""Skipping what is late, by hand."""

from __future__ import annotations

from tests.support.plane import Rig


def test_late_runs_of_a_deployment_are_skipped_and_no_others(plane: Rig) -> None:
    plane.pool()
    mine, other = plane.deployment("mine"), plane.deployment("other")
    late = [plane.run(mine) for _ in range(3)]
    kept = plane.run(other)
    plane.clock.forward(60)
    fresh = plane.run(mine)
    assert plane.ok("POST", f"/deployments/{mine['id']}/skip_late") == {"skipped": 3}
    assert {plane.read(run)["state_name"] for run in late} == {"Skipped"}
    assert plane.read(fresh)["state_name"] == "Scheduled"
    assert plane.read(kept)["state_name"] == "Late"
    worker = plane.worker(limit=9)
    assert {grant["run"] for grant in worker.claim(9)} == {fresh["id"], kept["id"]}


def test_late_runs_of_a_pool_are_skipped_also_those_in_a_line(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment(concurrency_limit=1)
    worker = plane.worker()
    plane.run(deployment)
    (going,) = worker.claim()
    waiting = [plane.run(deployment) for _ in range(2)]
    plane.clock.forward(60)
    assert plane.ok("POST", "/work_pools/pool/skip_late") == {"skipped": 2}
    assert {plane.read(run)["state_name"] for run in waiting} == {"Skipped"}
    assert plane.read(going["run"])["state_type"] == "PENDING"
