"""Schedules through the routes: a set that is replaced whole, coming runs, previews and verification."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.support.aws import Carry
from tests.support.plane import Rig
from tests.support.strict import Call

CRON = {"schedule": {"cron": "0 4 * * *", "timezone": "Europe/Berlin"}, "slug": "nightly"}
EVERY = {"schedule": {"interval": 60}, "slug": "minutely", "parameters": {"x": 2}}


def by_slug(plane: Rig, deployment: Any) -> dict[str, Any]:
    rows = plane.ok("GET", f"/deployments/{deployment['id']}/schedules")
    return {row["slug"]: row for row in rows}


def coming(plane: Rig, **filters: Any) -> list[Any]:
    body = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}, **filters}}
    rows = plane.ok("POST", "/flow_runs/filter", {**body, "sort": "EXPECTED_START_TIME_ASC"})
    return list(rows)


def test_a_set_is_replaced_and_what_is_unchanged_keeps_its_revision(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment(schedules=[CRON, EVERY])
    before = by_slug(plane, deployment)
    plane.clock.forward(5)
    changed = {**EVERY, "schedule": {"interval": 120}}
    new = {"schedule": {"rrule": "DTSTART:20260101T000000\nFREQ=DAILY"}}
    plane.ok("PATCH", f"/deployments/{deployment['id']}", {"schedules": [CRON, changed, new]})
    after = by_slug(plane, deployment)
    assert set(after) == {"nightly", "minutely", "rrule"}
    assert after["nightly"] == before["nightly"]
    assert after["minutely"]["revision"] == before["minutely"]["revision"] + 1
    assert after["minutely"]["id"] == before["minutely"]["id"]
    plane.ok("PATCH", f"/deployments/{deployment['id']}", {"description": "left alone"})
    assert by_slug(plane, deployment) == after
    plane.ok("PATCH", f"/deployments/{deployment['id']}", {"schedules": []})
    assert by_slug(plane, deployment) == {}
    assert coming(plane) == []


def test_deploying_the_same_again_changes_nothing(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment(schedules=[CRON, EVERY])
    runs = [run["id"] for run in coming(plane)]
    again = plane.deployment(schedules=[CRON, EVERY])
    assert again["schedules"] == deployment["schedules"]
    assert [run["id"] for run in coming(plane)] == runs


@pytest.mark.parametrize("said", [{}, {"active": None}])
def test_a_deploy_resumes_no_schedule_that_somebody_paused(plane: Rig, said: Any) -> None:
    plane.pool()
    deployment = plane.deployment(schedules=[CRON, EVERY])
    paused = by_slug(plane, deployment)["nightly"]["id"]
    plane.ok("PATCH", f"/deployments/{deployment['id']}/schedules/{paused}", {"active": False})
    for schedules in ([{**CRON, **said}, EVERY], [{**CRON, **said, "jitter": 5}, EVERY]):
        plane.deployment(schedules=schedules)
        after = by_slug(plane, deployment)
        assert (after["nightly"]["active"], after["minutely"]["active"]) == (False, True)
    plane.deployment(schedules=[EVERY])
    plane.deployment(schedules=[{**CRON, **said}, EVERY])
    assert by_slug(plane, deployment)["nightly"]["active"] is True, "made anew"
    plane.ok("PATCH", f"/deployments/{deployment['id']}/schedules/{paused}", {"active": False})
    plane.deployment(schedules=[{**CRON, "active": True}, EVERY])
    assert by_slug(plane, deployment)["nightly"]["active"] is True, "said so"


def test_coming_runs_carry_what_their_schedule_says(plane: Rig) -> None:
    plane.pool()
    plane.deployment(parameters={"x": 1, "y": 1}, tags=["t"], schedules=[EVERY])
    runs = coming(plane)
    assert [run["expected_start_time"][11:16] for run in runs] == ["12:01", "12:02", "12:03"]
    first = runs[0]
    assert (first["parameters"], first["tags"]) == ({"x": 2, "y": 1}, ["t", "auto-scheduled"])
    assert (first["auto_scheduled"], first["schedule_slug"], first["schedule_revision"]) == (
        True,
        "minutely",
        1,
    )


def test_none_of_the_old_occurrences_survives_a_change(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment(schedules=[EVERY])
    (schedule,) = by_slug(plane, deployment).values()
    path = f"/deployments/{deployment['id']}/schedules/{schedule['id']}"
    plane.ok("PATCH", path, {"schedule": {"interval": 90}})
    assert [run["expected_start_time"][11:19] for run in coming(plane)] == ["12:01:30", "12:03:00"]
    plane.ok("PATCH", path, {"active": False})
    assert coming(plane) == []
    plane.ok("PATCH", path, {"active": True})
    assert len(coming(plane)) == 2
    plane.ok("DELETE", path)
    assert coming(plane) == []
    assert plane.call("GET", f"{path}/upcoming").status == 404


def test_adding_and_replacing_one(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment(schedules=[CRON])
    path = f"/deployments/{deployment['id']}/schedules"
    (made,) = plane.ok("POST", path, [EVERY])
    assert made["slug"] == "minutely"
    assert set(by_slug(plane, deployment)) == {"nightly", "minutely"}
    plane.ok("POST", path, [{"schedule": {"interval": 300}, "slug": "slow", "replaces": "minutely"}])
    assert set(by_slug(plane, deployment)) == {"nightly", "slow"}
    unnamed = plane.ok("POST", path, [{"schedule": {"cron": "@daily"}}, {"schedule": {"cron": "@hourly"}}])
    assert [row["slug"] for row in unnamed] == ["cron", "cron-2"]


def test_a_slug_can_be_changed(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment(schedules=[EVERY])
    (schedule,) = by_slug(plane, deployment).values()
    plane.ok("PATCH", f"/deployments/{deployment['id']}/schedules/{schedule['id']}", {"slug": "renamed"})
    (renamed,) = by_slug(plane, deployment).values()
    assert (renamed["slug"], renamed["parameters"]) == ("renamed", {"x": 2})
    assert {run["schedule_slug"] for run in coming(plane)} == {"renamed"}


def test_upcoming_times_are_computed_for_any_window(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment(schedules=[CRON])
    (schedule,) = by_slug(plane, deployment).values()
    path = f"/deployments/{deployment['id']}/schedules/{schedule['id']}/upcoming"
    rows = plane.ok("GET", f"{path}?limit=2")
    assert [row["due"] for row in rows] == ["2026-03-03T03:00:00Z", "2026-03-04T03:00:00Z"]
    summer = plane.ok("GET", f"{path}?after=2026-07-01T00:00:00Z&before=2026-07-03T00:00:00Z")
    assert [row["due"] for row in summer] == ["2026-07-01T02:00:00Z", "2026-07-02T02:00:00Z"]
    assert len(plane.ok("GET", f"{path}?limit=1000")) == 1000
    assert len(plane.ok("GET", f"{path}?after=2399-01-01T00:00:00Z&limit=3")) == 3


def test_verify_lists_every_occurrence_with_its_one_run(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment(schedules=[{**EVERY, "catchup": "all"}])
    (schedule,) = by_slug(plane, deployment).values()
    for _ in range(3):
        plane.clock.forward(60)
        plane.plane.tick()
        plane.plane.tick()
    path = f"/deployments/{deployment['id']}/schedules/{schedule['id']}/verify"
    rows = plane.ok("GET", f"{path}?after=2026-03-02T12:00:30Z&before=2026-03-02T12:06:00Z")
    assert [row["due"][11:16] for row in rows] == ["12:01", "12:02", "12:03", "12:04", "12:05", "12:06"]
    assert len({row["flow_run_id"] for row in rows}) == 6
    assert {row["state_name"] for row in rows} == {"Late", "Scheduled"}
    assert {run["id"] for run in coming(plane)} == {row["flow_run_id"] for row in rows}
    assert plane.ok("GET", f"{path}?after={rows[2]['due']}&limit=2&before={rows[-1]['due']}") == rows[2:4]


def test_a_paused_deployment_still_lists_its_schedules(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment(paused=True, schedules=[CRON])
    assert set(by_slug(plane, deployment)) == {"nightly"}


def test_forty_schedules_can_be_replaced_by_forty_others(plane: Rig) -> None:
    plane.pool()

    def many(kind: str) -> list[Any]:
        return [{"schedule": {"cron": f"{n} 4 1 1 *"}, "slug": f"{kind}-{n}"} for n in range(40)]

    deployment = plane.deployment(schedules=many("old"))
    plane.ok("PATCH", f"/deployments/{deployment['id']}", {"schedules": many("new")})
    assert set(by_slug(plane, deployment)) == {f"new-{n}" for n in range(40)}


@pytest.mark.parametrize("how", ["pauses", "deletes", "deletes the deployment"])
def test_occurrences_that_wait_for_long_go_with_their_schedule(plane: Rig, how: str) -> None:
    plane.pool()
    deployment = plane.deployment(schedules=[{**EVERY, "catchup": "all"}])
    mine = plane.run(deployment)
    for _ in range(10):
        plane.clock.forward(180)
        plane.plane.tick()
    assert len(coming(plane)) == 34
    (schedule,) = by_slug(plane, deployment).values()
    path = f"/deployments/{deployment['id']}"
    if how == "pauses":
        plane.ok("PATCH", f"{path}/schedules/{schedule['id']}", {"active": False})
    elif how == "deletes":
        plane.ok("DELETE", f"{path}/schedules/{schedule['id']}")
    else:
        assert plane.call("DELETE", path).status == 409
        plane.ok("POST", f"/flow_runs/{mine['id']}/set_state", {"state": {"type": "CANCELLED"}})
        plane.ok("DELETE", path)
        assert coming(plane) == []
        return
    assert [run["id"] for run in coming(plane)] == [mine["id"]]


def test_an_occurrence_that_is_missed_for_good_is_left_behind(plane: Rig) -> None:
    plane.pool()
    daily = {"schedule": {"cron": "5 12 * * *"}, "slug": "s", "catchup": "none"}
    deployment = plane.deployment(schedules=[daily])
    plane.clock.forward(3780)
    plane.plane.tick()
    assert coming(plane) == []
    record = plane.plane.ports.deployments.schedule(UUID(deployment["id"]), "s")
    assert record is not None
    assert str(record.next_due) == "2026-03-03 12:05:00+00:00"


def test_a_schedule_whose_queue_is_gone_piles_up_nothing(plane: Rig) -> None:
    plane.pool()
    plane.pool("other")
    deployment = plane.deployment(schedules=[{**EVERY, "catchup": "all"}])
    refused = plane.call("DELETE", "/work_pools/pool")
    assert refused.status == 409
    plane.ok("DELETE", "/work_pools/pool?cancel_runs=true")
    for _ in range(5):
        plane.clock.forward(180)
        plane.plane.tick()
    assert coming(plane) == []
    plane.ok("PATCH", f"/deployments/{deployment['id']}", {"work_pool_name": "other"})
    plane.clock.forward(60)
    plane.plane.tick()
    assert [run["work_pool_name"] for run in coming(plane)] == ["other"] * 4


NEEDY = {"type": "object", "properties": {"cities": {"type": "string"}}, "required": ["cities"]}


def needy(plane: Rig, **members: Any) -> Any:
    flow = plane.ok("POST", "/flows/", {"name": "needy"})["id"]
    wanted = {"flow_id": flow, "name": "main", "work_pool_name": "pool", "parameter_openapi_schema": NEEDY}
    return plane.call("POST", "/deployments/", {**wanted, **members})


def test_a_schedule_whose_runs_could_only_fail_is_refused(plane: Rig) -> None:
    """Who starts a run by hand may add a parameter; a schedule cannot."""
    plane.pool()
    refused = needy(plane, schedules=[CRON])
    assert (refused.status, refused.body["errors"][0]["path"]) == (422, "schedules.0.parameters.cities")
    assert "schedules.0.parameters.cities is missing" in refused.body["message"]
    path = f"/deployments/{needy(plane).body['id']}/schedules"
    assert plane.call("POST", path, [CRON]).status == 422
    own = {**CRON, "parameters": {"cities": "Turku"}}
    (made,) = plane.ok("POST", path, [own])
    assert plane.call("PATCH", f"{path}/{made['id']}", {"parameters": {}}).status == 422
    plane.ok("PATCH", f"{path}/{made['id']}", {"parameters": {}, "active": False})
    assert plane.call("PATCH", f"{path}/{made['id']}", {"active": True}).status == 422


def test_a_new_required_parameter_is_refused_while_a_schedule_lacks_it(plane: Rig) -> None:
    plane.pool()
    made = needy(plane, parameters={"cities": "Turku"}, schedules=[CRON]).body
    path = f"/deployments/{made['id']}"
    refused = plane.call("PATCH", path, {"parameters": {}})
    assert refused.body["errors"][0]["path"] == "schedules.nightly.parameters.cities"
    plane.ok("PATCH", path, {"description": "left alone"})
    plane.ok("PATCH", path, {"enforce_parameter_schema": False, "parameters": {}})
    assert needy(plane, parameters={}, schedules=[CRON], enforce_parameter_schema=False).status < 300


def test_the_limit_of_a_schedule_outlives_an_edit_that_came_before(plane: Rig) -> None:
    """Overlap is allowed, and forbidden again before whoever allowed it removes the limit."""
    plane.pool()
    deployment = plane.deployment(schedules=[{**EVERY, "overlap": "skip"}])
    path = f"/deployments/{deployment['id']}/schedules/{by_slug(plane, deployment)['minutely']['id']}"

    def forbid(call: Call) -> None:
        text = str(call.params)
        if call.operation == "TransactWriteItems" and "SLOTS#schedule" in text and "REMOVE" in text:
            plane.aws.watch = None
            plane.ok("PATCH", path, {"overlap": "skip"})

    plane.aws.watch = forbid
    plane.ok("PATCH", path, {"overlap": "allow"})
    assert plane.aws.watch is None
    limit = f"schedule:{deployment['id']}/minutely"
    assert list(plane.plane.ports.slots.read([limit])) == [limit]


def test_and_one_that_is_made_while_it_is_removed(plane: Rig) -> None:
    """Whoever forbids overlap has seen the limit, which is removed before the schedule is written."""
    plane.pool()
    deployment = plane.deployment(schedules=[{**EVERY, "overlap": "skip"}])
    path = f"/deployments/{deployment['id']}/schedules/{by_slug(plane, deployment)['minutely']['id']}"
    held: list[Carry] = []

    def late(call: Call, carry: Carry) -> Any:
        text = str(call.params)
        if call.operation != "TransactWriteItems":
            return carry()
        if "SLOTS#schedule" in text and "REMOVE" in text and not held:
            held.append(carry)
            plane.ok("PATCH", path, {"overlap": "skip"})
            return {}
        if "SCHEDULE#minutely" in text and "Put" in text and held:
            plane.aws.fault = None
            held.pop()()
        return carry()

    plane.aws.fault = late
    plane.ok("PATCH", path, {"overlap": "allow"})
    assert plane.aws.fault is None
    limit = f"schedule:{deployment['id']}/minutely"
    assert list(plane.plane.ports.slots.read([limit])) == [limit]
