"""What overlapping occurrences of one schedule do to each other, decided in the claim."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from chalicelib.services.wishes import MOST_SCHEDULES
from tests.support.plane import Rig, WorkerRig

EVERY_MINUTE = {"schedule": {"interval": 60, "anchor_date": "2026-01-01T00:00:00Z"}, "slug": "s"}


def test_of_two_that_are_due_at_once_the_later_starts_and_the_earlier_is_cancelled(plane: Rig) -> None:
    plane.pool()
    schedule = {**EVERY_MINUTE, "overlap": "cancel_running", "catchup": "all"}
    plane.deployment(schedules=[schedule])
    worker = plane.worker(limit=3)
    plane.clock.forward(70)
    first, second = plane.clock.now + timedelta(seconds=-10), plane.clock.now + timedelta(seconds=50)
    plane.clock.forward(60)
    (grant,) = worker.claim(3)
    assert plane.read(grant["run"])["expected_start_time"] == f"{second:%Y-%m-%dT%H:%M:%SZ}"
    runs = plane.ok("POST", "/flow_runs/filter", {})
    (earlier,) = [run for run in runs if run["expected_start_time"] == f"{first:%Y-%m-%dT%H:%M:%SZ}"]
    assert earlier["state_name"] == "Cancelled"


def with_one_that_runs(plane: Rig) -> tuple[WorkerRig, Any]:
    """A schedule that skips what would overlap, with a run of it in a worker's hands."""
    plane.pool()
    plane.deployment(schedules=[{**EVERY_MINUTE, "overlap": "skip"}])
    worker = plane.worker(limit=3)
    plane.clock.forward(60)
    plane.plane.tick()
    (first,) = worker.claim(3)
    worker.start(first["run"])
    return worker, first


def test_whether_a_run_overlaps_is_decided_when_it_is_due(plane: Rig) -> None:
    worker, first = with_one_that_runs(plane)
    waiting = [run for run in plane.ok("POST", "/flow_runs/filter", {}) if run["state_name"] == "Scheduled"]
    coming = min(waiting, key=lambda run: run["expected_start_time"])
    due = datetime.fromisoformat(coming["expected_start_time"])
    plane.clock.now = due - timedelta(seconds=1)
    before = len(plane.aws.calls)
    (hint,) = worker.sync(want=1, hints=[coming["id"]])["hints"]
    assert hint == {"run": coming["id"], "verdict": "blocked"}
    assert plane.read(coming)["state_name"] == "Scheduled"
    assert [entry["DelaySeconds"] for entry in rings(plane, before)] == [2], "not before it is due"
    worker.end(first["run"])
    plane.clock.now = due
    assert [grant["run"] for grant in worker.claim(3)] == [coming["id"]]


def rings(plane: Rig, since: int) -> list[Any]:
    return [
        entry
        for call in plane.aws.calls[since:]
        if call.operation == "SendMessageBatch"
        for entry in call.params["Entries"]
    ]


def test_one_that_goes_on_until_then_is_reason_enough(plane: Rig) -> None:
    worker, _ = with_one_that_runs(plane)
    plane.clock.forward(60)
    assert worker.claim(3) == []
    states = [run["state_name"] for run in plane.ok("POST", "/flow_runs/filter", {})]
    assert "Skipped" in states


def test_no_limit_is_left_of_the_schedules_of_a_deleted_deployment(plane: Rig) -> None:
    plane.pool()
    schedules = [
        {**EVERY_MINUTE, "slug": f"s{number}", "overlap": "allow" if number == 0 else "skip"}
        for number in range(MOST_SCHEDULES)
    ]
    deployment = plane.deployment(schedules=schedules, concurrency_limit=1)
    assert len(limits(plane)) == MOST_SCHEDULES
    plane.ok("DELETE", f"/deployments/{deployment['id']}")
    assert limits(plane) == []
    plane.deployment(schedules=schedules[:2])
    assert [limit["kind"] for limit in limits(plane)] == ["schedule"], "made again, its runs are kept apart"


def limits(plane: Rig) -> list[Any]:
    return list(plane.ok("POST", "/v2/concurrency_limits/filter", {}))
