"""What overlapping occurrences of one schedule do to each other, decided in the claim or by the tick."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

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


def with_one_that_runs(
    plane: Rig, limit: int = 3, step: int = 60, pool: Any = None, deployment: Any = None, **schedule: object
) -> tuple[WorkerRig, Any]:
    """A schedule that skips what would overlap, with a run of it in a worker's hands."""
    plane.pool(**(pool or {}))
    every = {**EVERY_MINUTE["schedule"], "interval": step}  # type: ignore[dict-item]
    plane.deployment(
        schedules=[{**EVERY_MINUTE, "overlap": "skip", **schedule, "schedule": every}], **(deployment or {})
    )
    plane.clock.forward(step + int(str(schedule.get("jitter", 0))))
    plane.plane.tick()
    worker = plane.worker(limit=limit)
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


def of_the_schedule(plane: Rig) -> list[str]:
    """The states of those that came due, in their order."""
    runs = plane.ok("POST", "/flow_runs/filter", {"limit": 200})
    due = [run for run in runs if run["auto_scheduled"] and is_due(plane, run)]
    return [run["state_name"] for run in sorted(due, key=lambda run: run["expected_start_time"])]


def is_due(plane: Rig, run: Any) -> bool:
    return datetime.fromisoformat(run["expected_start_time"]) <= plane.clock.now


def ticks(plane: Rig, seconds: int, worker: WorkerRig) -> None:
    """Time passes minute by minute, with a worker that has no slot to spare."""
    for _ in range(seconds // 60):
        plane.clock.forward(60)
        worker.sync()
        plane.plane.tick()


@pytest.mark.parametrize("jitter", [0, 20])
@pytest.mark.parametrize("step", [60, 600])
@pytest.mark.parametrize("catchup", ["latest", "all"])
def test_where_no_slot_is_free_the_tick_skips(plane: Rig, catchup: str, step: int, jitter: int) -> None:
    worker, first = with_one_that_runs(plane, limit=1, step=step, catchup=catchup, jitter=jitter)
    ticks(plane, step, worker)
    assert of_the_schedule(plane) == ["Running", "Skipped"]
    assert plane.read(first["run"])["state_type"] == "RUNNING"


@pytest.mark.parametrize("catchup", ["latest", "all"])
def test_nor_does_one_start_that_came_due_before_the_earlier_one_ended(plane: Rig, catchup: str) -> None:
    """Though no tick came in between."""
    worker, first = with_one_that_runs(plane, limit=1, catchup=catchup)
    plane.clock.forward(60)
    worker.end(first["run"])
    assert worker.claim() == []
    assert of_the_schedule(plane) == ["Completed", "Skipped"]


def test_one_that_came_due_after_the_earlier_one_ended_starts_however_late_that_is_told(plane: Rig) -> None:
    worker, first = with_one_that_runs(plane, limit=1)
    over = plane.clock.now + timedelta(seconds=5)
    plane.clock.forward(60)
    worker.end(first["run"], at=over)
    assert len(worker.claim()) == 1


@pytest.mark.parametrize("step", [60, 600])
def test_where_no_slot_is_free_the_tick_cancels_what_hangs(plane: Rig, step: int) -> None:
    worker, first = with_one_that_runs(plane, limit=1, step=step, overlap="cancel_running")
    ticks(plane, step, worker)
    assert of_the_schedule(plane) == ["Cancelling", "Scheduled"]
    worker.report(first["run"], "cancelled")
    (grant,) = worker.claim(1)
    worker.start(grant)
    assert of_the_schedule(plane) == ["Cancelled", "Running"]


def test_one_that_came_out_of_the_line_is_cancelled_for_the_next_in_it(plane: Rig) -> None:
    worker, first = with_one_that_runs(plane, overlap="cancel_running", catchup="all")
    for _ in range(2):
        plane.clock.forward(60)
        assert worker.claim(2) == []
    worker.report(first["run"], "cancelled")
    (second,) = worker.claim(3)
    worker.start(second)
    plane.plane.tick()
    assert of_the_schedule(plane) == ["Cancelled", "Cancelling", "Scheduled"]


def test_one_that_is_tried_again_cancels_no_later_one(plane: Rig) -> None:
    retry = {"retry_policy": {"retries": 1, "delay": 70}}
    worker, first = with_one_that_runs(plane, overlap="cancel_running", catchup="all", deployment=retry)
    worker.end(first["run"], "FAILED")
    plane.clock.forward(60)
    (second,) = worker.claim(3)
    worker.start(second)
    plane.clock.forward(11)
    assert worker.claim(2) == []
    plane.plane.tick()
    assert of_the_schedule(plane) == ["Running", "AwaitingRetry"], "by when they are due"
    worker.end(second["run"])
    assert [grant["run"] for grant in worker.claim(3)] == [first["run"]]


OTHER_LIMITS = {
    "of the deployment": {"deployment": {"concurrency_limit": 1}},
    "of the pool": {"pool": {"concurrency_limit": 1}},
}


@pytest.mark.parametrize("other", OTHER_LIMITS)
@pytest.mark.parametrize("overlap", ["skip", "cancel_running"])
def test_another_full_limit_does_not_keep_it_from_being_decided(plane: Rig, overlap: str, other: str) -> None:
    worker, _ = with_one_that_runs(plane, overlap=overlap, **OTHER_LIMITS[other])  # type: ignore[arg-type]
    plane.clock.forward(60)
    assert worker.claim(2) == []
    expected = ["Running", "Skipped"] if overlap == "skip" else ["Cancelling", "Scheduled"]
    assert of_the_schedule(plane) == expected


def test_nor_does_one_before_it_that_waits_for_its_pool(plane: Rig) -> None:
    worker, _ = with_one_that_runs(plane, pool={"concurrency_limit": 1})
    plane.run(plane.deployment(name="other"))
    (coming,) = [run for run in plane.ok("POST", "/flow_runs/filter", {}) if _is_next(plane, run)]
    plane.clock.forward(60)
    (hint,) = worker.sync(want=2, hints=[coming["id"]])["hints"]
    assert (hint["verdict"], of_the_schedule(plane)) == ("gone", ["Running", "Skipped"])


def _is_next(plane: Rig, run: Any) -> bool:
    due = datetime.fromisoformat(run["expected_start_time"])
    return bool(run["auto_scheduled"] and timedelta(0) < due - plane.clock.now <= timedelta(seconds=60))


def test_a_later_one_chosen_before_it_does_not_give_way_to_one_that_is_tried_again(plane: Rig) -> None:
    retry = {"retry_policy": {"retries": 1, "delay": 20}}
    worker, first = with_one_that_runs(
        plane, limit=4, overlap="cancel_running", catchup="all", deployment=retry
    )
    plane.clock.forward(50)
    worker.end(first["run"], "FAILED")
    plane.clock.forward(25)
    (second,) = worker.claim(4)
    assert second["run"] != first["run"]
    assert of_the_schedule(plane) == ["Pending", "AwaitingRetry"], "by when they are due"


def test_a_worker_whose_clock_is_ahead_does_not_hide_what_came_due(plane: Rig) -> None:
    worker, first = with_one_that_runs(plane, limit=1, catchup="all")
    plane.clock.forward(60)
    worker.end(first["run"], at=plane.clock.now + timedelta(minutes=5))
    assert worker.claim(1) == []
    assert of_the_schedule(plane) == ["Completed", "Skipped"]
