"""A schedule or its deployment changes while runs of it wait: none is lost, and none starts as it no longer should."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.integration.api.test_schedules import by_slug, coming
from tests.support import world
from tests.support.plane import Rig
from tests.support.strict import Call

EVERY = {"schedule": {"interval": 60}, "slug": "s"}
DAILY = {"schedule": {"cron": "5 12 * * *"}, "slug": "s"}
CHANGES: dict[str, Any] = {
    "its parameters": {"parameters": {"x": 2}},
    "its jitter": {"jitter": 5},
    "its catch-up": {"catchup": "all"},
    "its overlap": {"overlap": "skip"},
    "its times, and still has this one": {"schedule": {"cron": "5 12,18 * * *"}},
}


def _path(plane: Rig, deployment: Any) -> str:
    (schedule,) = by_slug(plane, deployment).values()
    return f"/deployments/{deployment['id']}/schedules/{schedule['id']}"


def _verified(plane: Rig, path: str, minutes: int = 10) -> list[Any]:
    period = "?after=2026-03-02T12:00:30Z&before=" + f"2026-03-02T12:{minutes:02d}:30Z"
    return list(plane.ok("GET", f"{path}/verify{period}"))


def _times(runs: list[Any]) -> list[str]:
    return [run["expected_start_time"][11:19] for run in runs]


@pytest.mark.parametrize("how", CHANGES)
def test_an_occurrence_that_waits_outlives_a_change_of_its_schedule(plane: Rig, how: str) -> None:
    plane.pool()
    deployment = plane.deployment(schedules=[DAILY])
    path = _path(plane, deployment)
    plane.clock.forward(180)
    plane.plane.tick()
    plane.clock.forward(150)
    (before,) = coming(plane)
    plane.ok("PATCH", path, CHANGES[how])
    (after,) = coming(plane)
    assert (after["id"], after["name"]) == (before["id"], before["name"])
    assert after["schedule_revision"] == before["schedule_revision"] + 1
    assert after["parameters"] == CHANGES[how].get("parameters", {})
    (grant,) = plane.worker().claim()
    assert grant["run"] == before["id"]
    assert [row["state_type"] for row in _verified(plane, path)] == ["PENDING"]


def test_one_whose_jitter_has_not_passed_outlives_it_too(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment(schedules=[{**DAILY, "jitter": 900}])
    path = _path(plane, deployment)
    plane.clock.forward(180)
    plane.plane.tick()
    (before,) = coming(plane)
    due = datetime.fromisoformat(before["expected_start_time"])
    assert due > plane.clock.now + timedelta(seconds=300)
    plane.clock.now = due - timedelta(seconds=10)
    plane.ok("PATCH", path, {"parameters": {"x": 2}})
    plane.clock.now = due
    (grant,) = plane.worker().claim()
    assert (grant["run"], grant["parameters"]) == (before["id"], {"x": 2})


def test_what_a_changed_schedule_does_not_have_goes(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment(schedules=[{**EVERY, "catchup": "all"}])
    plane.clock.forward(130)
    assert _times(coming(plane))[:2] == ["12:01:00", "12:02:00"]
    plane.ok("PATCH", _path(plane, deployment), {"schedule": {"interval": 120}})
    assert _times(coming(plane)) == ["12:02:00", "12:04:00"]


def test_what_piled_up_is_decided_by_catch_up_after_the_change_too(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment(schedules=[EVERY])
    path = _path(plane, deployment)
    plane.clock.forward(185)
    plane.ok("PATCH", path, {"parameters": {"x": 1}})
    worker = plane.worker(limit=5)
    (grant,) = worker.claim(5)
    plane.plane.tick()
    rows = [(row["due"][11:16], row["state_name"]) for row in _verified(plane, path, 3)]
    assert rows == [("12:01", "Skipped"), ("12:02", "Skipped"), ("12:03", "Pending")]
    assert grant["run"] == _verified(plane, path, 3)[-1]["flow_run_id"]


@pytest.mark.parametrize(("catchup", "made"), [("all", ["12:05:00", "12:06:00"]), ("latest", ["12:06:00"])])
def test_a_change_after_an_outage_drops_nothing_that_was_missed(plane: Rig, catchup: str, made: Any) -> None:
    plane.pool()
    deployment = plane.deployment(schedules=[{"schedule": {"cron": "5,6 12 * * *"}, "catchup": catchup}])
    plane.clock.forward(380)
    assert coming(plane) == []
    plane.ok("PATCH", _path(plane, deployment), {"parameters": {"x": 1}})
    assert _times(coming(plane)) == made


@pytest.mark.parametrize("what", ["another", "resumed"])
def test_a_schedule_that_begins_anew_runs_nothing_of_the_past(plane: Rig, what: str) -> None:
    plane.pool()
    deployment = plane.deployment(schedules=[EVERY])
    path = _path(plane, deployment)
    plane.clock.forward(70)
    if what == "resumed":
        plane.ok("PATCH", path, {"active": False})
        plane.ok("PATCH", path, {"active": True})
    else:
        plane.ok("DELETE", path)
        plane.ok("PATCH", f"/deployments/{deployment['id']}", {"schedules": [EVERY]})
    assert _times(coming(plane)) == ["12:02:00", "12:03:00", "12:04:00"]


def test_occurrences_move_with_their_deployment(plane: Rig) -> None:
    plane.pool()
    plane.pool("other")
    plane.deployment(schedules=[EVERY])
    plane.clock.forward(65)
    before = coming(plane)
    plane.deployment(pool="other", schedules=[EVERY])
    after = coming(plane)
    assert {run["work_pool_name"] for run in after} == {"other"}
    assert _times(after)[:3] == _times(before)[:3]
    assert [run["id"] for run in after][:3] == [run["id"] for run in before][:3]
    assert plane.worker().claim() == []
    (grant,) = plane.worker("other").claim()
    assert grant["run"] == before[0]["id"]


def test_those_that_move_are_rung_where_they_wait_now(plane: Rig) -> None:
    plane.pool()
    plane.ok("POST", "/work_pools/pool/queues", {"name": "second"})
    plane.deployment(schedules=[EVERY])
    before = len(plane.aws.calls)
    plane.deployment(work_queue_name="second", schedules=[EVERY])
    sent = [call for call in plane.aws.calls[before:] if call.operation.startswith("SendMessage")]
    view = plane.plane.ports.pools.view("pool")
    assert view is not None
    assert [call.params["QueueUrl"] for call in sent] == [view.queues["second"].url]
    plane.deployment(work_queue_name="second", schedules=[EVERY], parameters={"x": 1})
    again = [call for call in plane.aws.calls[before:] if call.operation.startswith("SendMessage")]
    assert again == sent, "where they were rung already nobody need ring again"


@pytest.mark.parametrize("how", ["deploy", "roll back", "pin"])
def test_an_occurrence_takes_the_version_in_force_whole(plane: Rig, how: str) -> None:
    plane.pool()
    schedule = {**EVERY, "parameters": {"own": 1}}
    old = {"parameters": {"tag": "old"}, "tags": ["old"], "retry_policy": {"retries": 1}}
    new = {"parameters": {"tag": "new"}, "tags": ["new"], "retry_policy": {"retries": 2}}
    deployment = plane.deployment(schedules=[schedule], **(old if how == "deploy" else new))
    path = f"/deployments/{deployment['id']}"
    if how != "deploy":
        plane.deployment(schedules=[schedule], **old)
        plane.clock.forward(180)
        plane.plane.tick()
    if how == "deploy":
        plane.deployment(schedules=[schedule], **new)
    elif how == "roll back":
        plane.ok("POST", f"{path}/rollback", {"version": 1})
    else:
        plane.ok("POST", f"{path}/pin", {"version": 1})
    runs = coming(plane)
    assert len(runs) == (3 if how == "deploy" else 4), "the latest due, and those of the next three minutes"
    for run in runs:
        assert run["parameters"] == {"tag": "new", "own": 1}
        assert run["tags"] == ["new", "auto-scheduled"]
    waiting = [run for run in world.read(plane.aws).runs.values() if run.is_untouched_occurrence]
    found = [run.retry_policy for run in waiting]
    assert {policy.retries for policy in found if policy} == {2}


def test_one_made_by_hand_keeps_its_parameters_and_its_pool(plane: Rig) -> None:
    plane.pool()
    plane.pool("other")
    run = plane.run(plane.deployment(parameters={"tag": "old"}), parameters={"x": 1})
    plane.deployment(pool="other", parameters={"tag": "new"})
    (grant,) = plane.worker().claim()
    assert (grant["run"], grant["parameters"]) == (run["id"], {"tag": "old", "x": 1})


def test_a_change_of_something_else_renews_no_run(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment(schedules=[EVERY], parameters={"x": 1})
    before = world.read(plane.aws).runs
    calls = len(plane.aws.calls)
    plane.deployment(schedules=[EVERY], parameters={"x": 1}, entrypoint="other.py:flow", job_variables={})
    assert world.read(plane.aws).runs == before
    assert by_slug(plane, deployment)["s"]["revision"] == 1
    assert not [call for call in plane.aws.calls[calls:] if "RUN#" in str(call.params)]


def test_a_paused_schedule_stays_as_it_is_when_its_deployment_changes(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment(schedules=[{**EVERY, "active": False}])
    plane.ok("PATCH", f"/deployments/{deployment['id']}", {"parameters": {"x": 1}})
    assert coming(plane) == []
    (schedule,) = by_slug(plane, deployment).values()
    assert (schedule["active"], schedule["revision"]) == (False, 1)


def test_an_occurrence_released_before_its_start_is_not_lost_either(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment(schedules=[EVERY])
    plane.clock.forward(60)
    worker = plane.worker()
    (grant,) = worker.claim()
    worker.report(grant, "released")
    plane.ok("PATCH", _path(plane, deployment), {"parameters": {"x": 2}})
    (again,) = worker.claim()
    assert (again["run"], again["parameters"]) == (grant["run"], {"x": 2})
    record = plane.plane.ports.deployments.schedule(UUID(deployment["id"]), "s")
    assert record is not None
    assert record.revision == 2


def test_a_claim_that_comes_upon_one_before_it_is_renewed_renews_it(plane: Rig) -> None:
    """Between the write of a change and the renewal of what waits: the worker must not be told that it is gone."""
    plane.pool()
    deployment = plane.deployment(schedules=[DAILY], parameters={"x": 1})
    for _ in range(5):
        plane.clock.forward(60)
        plane.plane.tick()
    (run,) = coming(plane)
    worker = plane.worker()
    answers = []

    def claim(call: Call) -> None:
        if call.operation == "Query" and f"DEPLOYMENT#{deployment['id']}" in str(call.params) and written:
            plane.aws.watch = None
            answers.append(worker.sync(want=1, hints=[run["id"]]))
        elif call.operation == "TransactWriteItems":
            written.append(call)

    written: list[Call] = []
    plane.aws.watch = claim
    plane.ok("PATCH", f"/deployments/{deployment['id']}", {"parameters": {"x": 2}})
    (answer,) = answers
    assert answer["hints"] == [{"run": run["id"], "verdict": "granted"}]
    assert [grant["parameters"] for grant in answer["granted"]] == [{"x": 2}]


def test_what_was_moved_away_in_time_outlives_a_change_though_the_deployments_queue_is_gone(
    plane: Rig,
) -> None:
    plane.pool()
    queue = plane.ok("POST", "/work_pools/pool/queues", {"name": "q"})
    deployment = plane.deployment(schedules=[DAILY], work_queue_name="q")
    for _ in range(6):
        plane.clock.forward(60)
        plane.plane.tick()
    plane.ok("DELETE", f"/work_queues/{queue['id']}?move_to=default")
    plane.ok("PATCH", _path(plane, deployment), {"parameters": {"x": 2}})
    (grant,) = plane.worker().claim()
    assert (grant["work_queue_name"], grant["parameters"]) == ("default", {"x": 2})
