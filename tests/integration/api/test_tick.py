"""The tick does what time must do within its time, however much there is of one kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.storage import documents
from tests.support.plane import Rig
from tests.support.strict import Call

EVERY_MINUTE = {"schedule": {"interval": 60, "anchor_date": "2026-01-01T00:00:00Z"}, "slug": "s"}


def calls_of_a_tick(plane: Rig) -> int:
    plane.plane.tick()
    plane.aws.calls.clear()
    plane.plane.tick()
    return len(plane.aws.calls)


@contextmanager
def slow_writes(plane: Rig, seconds: float) -> Iterator[None]:
    """Time passes with each item written."""

    def pass_time(call: Call) -> None:
        if call.operation == "PutItem":
            plane.clock.forward(seconds)

    plane.aws.watch = pass_time
    try:
        yield
    finally:
        plane.aws.watch = None


def in_line(plane: Rig, deployment: Any, count: int) -> list[Any]:
    """Runs that wait in the line of a paused deployment."""
    return [plane.run(deployment) for _ in range(count)]


def waits(plane: Rig, deployment: Any) -> int:
    return len(plane.plane.ports.runs.lane(f"LINE#deployment:{deployment['id']}", limit=200))


def scheduled(plane: Rig) -> list[Any]:
    runs = plane.ok("POST", "/flow_runs/filter", {"deployments": {"name": {"any_": ["main"]}}, "limit": 200})
    return [run for run in runs if run["auto_scheduled"]]


def test_a_tick_costs_the_same_however_many_deployments_there_are(plane: Rig) -> None:
    plane.pool()
    plane.deployment(name="0")
    alone = calls_of_a_tick(plane)
    for number in range(1, 50):
        plane.deployment(name=str(number), paused=number % 2 == 0)
    assert calls_of_a_tick(plane) == alone


def test_what_a_resume_does_not_reach_is_promoted_by_the_tick(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment(paused=True)
    plane.worker(limit=1)
    in_line(plane, deployment, 120)
    plane.clock.forward(7200)
    plane.ok("PATCH", f"/deployments/{deployment['id']}", {"paused": False})
    assert len(plane.plane.ports.runs.lane("READY#pool/default", limit=200)) < 120
    plane.plane.tick()
    assert len(plane.plane.ports.runs.lane("READY#pool/default", limit=200)) == 120
    assert calls_of_a_tick(plane) > 0
    plane.clock.forward(3700)
    plane.plane.tick()
    assert plane.plane.ports.slots.removed() == []


def test_a_promotion_beyond_its_time_lets_schedules_be_made_and_is_gone_on_with(plane: Rig) -> None:
    plane.pool()
    plane.deployment(schedules=[EVERY_MINUTE])
    first, second = sorted(
        (plane.deployment(name=name, paused=True) for name in "ab"), key=lambda one: one["id"]
    )
    for deployment, count in ((first, 150), (second, 60)):
        in_line(plane, deployment, count)
        plane.ok("PATCH", f"/deployments/{deployment['id']}", {"paused": False})
    plane.clock.forward(60)
    made = len(scheduled(plane))
    with slow_writes(plane, 0.4):
        plane.plane.tick()
        assert (waits(plane, first), waits(plane, second)) == (50, 10)
        assert len(scheduled(plane)) > made
        plane.plane.tick()
    assert waits(plane, second) == 0, "it is its turn, although the first line has more"
    plane.plane.tick()
    assert waits(plane, first) == 0
    assert plane.plane.ports.watermark.read().line == ""


@pytest.mark.parametrize("step", [60, 600])
def test_what_a_later_occurrence_stands_for_piles_up_nowhere(plane: Rig, step: int) -> None:
    """No worker for long: the one that shall run stands behind few that shall not."""
    plane.pool()
    every = {"interval": step, "anchor_date": "2026-01-01T00:00:00Z"}
    plane.deployment(schedules=[{"schedule": every, "slug": "s"}])
    for _ in range(40):
        plane.clock.forward(60)
        plane.plane.tick()
    due = [run for run in scheduled(plane) if run["state_name"] in ("Scheduled", "Late")]
    assert len([run for run in due if run["expected_start_time"] <= f"{plane.clock.now:%FT%TZ}"]) <= 2
    skipped = [run for run in scheduled(plane) if run["state_name"] == "Skipped"]
    assert len(skipped) >= 40 * 60 // step - 2
    (grant,) = plane.worker(limit=9).claim(9)
    assert plane.read(grant["run"])["expected_start_time"] == "2026-03-02T12:40:00Z"


def test_every_open_session_is_looked_at_however_many(plane: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "WHOLE_PAGE", 2)
    plane.pool()
    workers = [plane.worker(name=f"w{number}") for number in range(5)]
    assert {str(session.id) for session in plane.plane.workers.live_sessions()} == {
        worker.session for worker in workers
    }
    plane.plane.tick()
    for _ in range(4):
        plane.clock.forward(60)
        plane.plane.tick()
    assert plane.plane.ports.sessions.open_ids() == []


def test_after_a_restart_all_that_is_to_come_is_rung_again(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment()
    for minutes in (1, 14, 16):
        at = plane.clock.now + timedelta(minutes=minutes, milliseconds=300)
        plane.run(
            deployment, state={"type": "SCHEDULED", "state_details": {"scheduled_time": at.isoformat()}}
        )
    plane.aws.calls.clear()
    plane.plane.after_start()
    sent = [call.params["Entries"] for call in plane.aws.calls if call.operation == "SendMessageBatch"]
    assert [[entry["DelaySeconds"] for entry in entries] for entries in sent] == [[60, 840]]


def test_an_order_to_cancel_is_not_repeated_for_a_run_that_was_started_again(plane: Rig) -> None:
    """It is over, and somebody runs it again, between the tick's look at what is being cancelled and its order."""
    plane.pool()
    run = plane.run(plane.deployment())
    worker = plane.worker()
    worker.start(worker.claim()[0])
    path = f"/flow_runs/{run['id']}/set_state"
    plane.ok("POST", path, {"state": {"type": "CANCELLED"}})
    seen: list[Call] = []

    def again(call: Call) -> None:
        if call.operation == "BatchGetItem" and run["id"] in str(call.params):
            seen.append(call)
        if len(seen) == 2:
            plane.aws.watch = None
            worker.report(run["id"], "cancelled")
            plane.ok("POST", path, {"state": {"type": "SCHEDULED"}, "force": True})

    plane.aws.watch = again
    plane.plane.tick()
    assert plane.aws.watch is None
    assert plane.read(run)["state_type"] == "SCHEDULED"
