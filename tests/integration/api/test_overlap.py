"""What overlapping occurrences of one schedule do to each other, decided in the claim."""

from __future__ import annotations

from datetime import timedelta

from tests.support.plane import Rig

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
