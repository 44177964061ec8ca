"""A scheduled run that a worker gave back, or was lost with, before it started: it still stands for its moment."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from tests.support.plane import Rig, WorkerRig
from tests.support.strict import Call

DAILY = {"schedule": {"cron": "5 12 * * *"}, "slug": "s"}
WAYS: dict[str, Callable[[Rig, WorkerRig, Any], object]] = {
    "released": lambda plane, worker, grant: worker.report(grant, "released"),
    "lost": lambda plane, worker, grant: plane.ok(
        "DELETE", f"/work_pools/pool/workers/{worker.name}/sessions/{worker.session}"
    ),
}


def _claimed(plane: Rig, schedule: Any) -> tuple[Any, WorkerRig, Any]:
    """A worker has the run of five past twelve, and has not started it."""
    plane.pool()
    deployment = plane.deployment(schedules=[schedule], parameters={"x": 1})
    for _ in range(5):
        plane.clock.forward(60)
        plane.plane.tick()
    worker = plane.worker(name="old")
    (grant,) = worker.claim()
    return deployment, worker, grant


def _changed(plane: Rig, deployment: Any, what: str) -> None:
    path = f"/deployments/{deployment['id']}"
    if what == "schedule":
        (schedule,) = plane.ok("GET", f"{path}/schedules")
        path += f"/schedules/{schedule['id']}"
    plane.ok("PATCH", path, {"parameters": {"x": 2}})


@pytest.mark.parametrize("what", ["deployment", "schedule"])
@pytest.mark.parametrize("way", WAYS)
def test_it_starts_as_it_would_be_made_now_if_that_was_changed_meanwhile(
    plane: Rig, way: str, what: str
) -> None:
    deployment, worker, grant = _claimed(plane, DAILY)
    _changed(plane, deployment, what)
    WAYS[way](plane, worker, grant)
    (again,) = plane.worker(name="new").claim()
    assert (again["run"], again["attempt"], again["parameters"]) == (grant["run"], 2, {"x": 2})


def test_it_starts_even_if_whoever_took_it_back_went_no_further(plane: Rig) -> None:
    """The report's request dies as it has written the run, before it looks at the schedule."""
    deployment, worker, grant = _claimed(plane, DAILY)
    _changed(plane, deployment, "schedule")

    def die(call: Call, carry: Callable[[], Any]) -> Any:
        if "SCHEDULE#" in str(call.params):
            raise MemoryError
        return carry()

    plane.aws.fault = die
    with pytest.raises(AssertionError, match="status=500"):
        worker.report(grant, "released")
    plane.aws.fault = None
    assert plane.read(grant["run"])["state_type"] == "SCHEDULED"
    (again,) = plane.worker(name="new").claim()
    assert (again["run"], again["parameters"]) == (grant["run"], {"x": 2})


@pytest.mark.parametrize("way", WAYS)
def test_it_is_over_where_its_schedule_has_that_moment_no_more(plane: Rig, way: str) -> None:
    deployment, worker, grant = _claimed(plane, DAILY)
    (schedule,) = plane.ok("GET", f"/deployments/{deployment['id']}/schedules")
    path = f"/deployments/{deployment['id']}/schedules/{schedule['id']}"
    plane.ok("PATCH", path, {"schedule": {"cron": "6 13 * * *"}})
    WAYS[way](plane, worker, grant)
    assert plane.worker(name="new").claim() == []
    assert plane.read(grant["run"])["state_name"] == "Skipped"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("catchup", ["latest", "none"])
def test_it_does_not_give_way_to_one_that_gave_way_to_it(plane: Rig, catchup: str, way: str) -> None:
    often = {"schedule": {"cron": "*/5 * * * *"}, "slug": "s", "overlap": "skip", "catchup": catchup}
    _, worker, grant = _claimed(plane, often)
    other = plane.worker(name="new", limit=3)
    for _ in range(5):
        plane.clock.forward(60)
        worker.sync()
        other.sync()
        plane.plane.tick()
    WAYS[way](plane, worker, grant)
    assert [one["run"] for one in other.claim(3)] == [grant["run"]]


def test_it_is_skipped_once_it_is_later_than_its_schedule_allows(plane: Rig) -> None:
    _, worker, grant = _claimed(plane, {**DAILY, "max_lateness": 30})
    plane.clock.forward(40)
    worker.report(grant, "released")
    assert plane.worker(name="new").claim() == []
    assert plane.read(grant["run"])["state_name"] == "Skipped"


@pytest.mark.parametrize("way", WAYS)
def test_its_doorbells_are_new_to_a_worker_that_was_told_it_is_gone(plane: Rig, way: str) -> None:
    """A worker deletes rings up to the due time of which it was told so; the tick's say the same time each minute."""
    _, worker, grant = _claimed(plane, DAILY)
    other = plane.worker(name="new")
    (hint,) = other.sync(want=1, hints=[grant["run"]])["hints"]
    assert hint["verdict"] == "gone"
    plane.clock.forward(5)
    plane.aws.calls.clear()
    WAYS[way](plane, worker, grant)
    for _ in range(2):
        plane.clock.forward(60)
        plane.plane.tick()
    rung = [json.loads(entry["MessageBody"]) for entry in _rings(plane)]
    dues = {datetime.fromisoformat(bell["due"]) for bell in rung if bell["run"] == grant["run"]}
    assert len(rung) == 3
    assert [due > datetime.fromisoformat(grant["expected_start_time"]) for due in dues] == [True]


def _rings(plane: Rig) -> list[Any]:
    batches = [call for call in plane.aws.calls if call.operation == "SendMessageBatch"]
    return [entry for call in batches for entry in call.params["Entries"]]
