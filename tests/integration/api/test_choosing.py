"""Which runs a claim chooses, over all queues of a pool, and how far it looks for them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.support.plane import Rig

EVERY_MINUTE = {"schedule": {"interval": 60, "anchor_date": "2026-01-01T00:00:00Z"}, "slug": "s"}


def equal_queues(plane: Rig) -> dict[str, Any]:
    """A deployment for each of two queues of one priority."""
    plane.pool()
    for name in ("a", "b"):
        plane.ok("POST", "/work_pools/pool/queues", {"name": name, "priority": 1})
    return {name: plane.deployment(name=name, work_queue_name=name) for name in ("a", "b")}


def test_queues_of_equal_priority_start_by_due_time(plane: Rig) -> None:
    deployments = equal_queues(plane)
    runs = []
    for name in "bbabaaaaaaaaaaaabb":
        plane.clock.forward(1)
        runs.append(plane.run(deployments[name]))
    wanted = [run["id"] for run in runs]
    listed = plane.ok("POST", "/work_pools/pool/get_scheduled_flow_runs", {"limit": 200})
    assert [row["flow_run"]["id"] for row in listed] == wanted
    assert [grant["run"] for grant in plane.worker(limit=20).claim(5)] == wanted[:5]
    hints = [wanted[-1], wanted[5]]
    answer = plane.worker(name="w2", limit=20).sync(want=2, hints=hints)
    assert [grant["run"] for grant in answer["granted"]] == wanted[5:7]
    assert {hint["run"]: hint["verdict"] for hint in answer["hints"]} == {
        hints[0]: "ready",
        hints[1]: "granted",
    }


def test_a_full_queue_leaves_the_other_of_its_priority_alone(plane: Rig) -> None:
    deployments = equal_queues(plane)
    queue = plane.ok("GET", "/work_pools/pool/queues/a")
    plane.ok("PATCH", f"/work_queues/{queue['id']}", {"concurrency_limit": 1})
    runs = [plane.run(deployments[name]) for name in "aaaabb"]
    worker = plane.worker(limit=6)
    granted = {grant["run"] for grant in worker.claim(6)}
    assert granted == {runs[0]["id"], runs[4]["id"], runs[5]["id"]}


def test_a_crowd_that_shall_not_run_is_gone_through_in_bounded_time_and_asked_about_again(plane: Rig) -> None:
    plane.pool()
    plane.deployment(schedules=[{**EVERY_MINUTE, "catchup": "all", "max_lateness": 30}])
    plane.clock.forward(6_010)
    plane.plane.tick()
    worker = plane.worker()
    usual = worker.registered["sync_within_seconds"]
    plane.aws.watch = lambda call: plane.clock.forward(0.2)
    try:
        answers = [worker.sync(want=1)]
        assert answers[0]["granted"] == []
        assert answers[0]["sync_within_seconds"] < 1
        while not answers[-1]["granted"]:
            begun = plane.clock.now
            answers.append(worker.sync(want=1))
            assert plane.clock.now - begun < timedelta(seconds=20)
            assert len(answers) < 20
    finally:
        plane.aws.watch = None
    assert len(answers) > 2
    assert answers[-1]["sync_within_seconds"] == usual
