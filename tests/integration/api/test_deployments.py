"""Flows and deployments through the routes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.plane import Rig

SCHEMA = {
    "type": "object",
    "properties": {"x": {"type": "integer"}, "y": {"type": "string", "default": "a"}},
    "required": ["x"],
}
PREFECTS_POST = {
    "name": "d",
    "paused": False,
    "schedules": [],
    "concurrency_limit": None,
    "concurrency_options": None,
    "enforce_parameter_schema": True,
    "parameter_openapi_schema": {
        "title": "Parameters",
        "type": "object",
        "properties": {"x": {"default": 1, "position": 0, "title": "x", "type": "integer"}},
    },
    "parameters": {},
    "tags": [],
    "labels": None,
    "pull_steps": [{"prefect.deployments.steps.set_working_directory": {"directory": "/srv"}}],
    "work_queue_name": None,
    "work_pool_name": "pool",
    "storage_document_id": None,
    "infrastructure_document_id": None,
    "description": None,
    "path": ".",
    "entrypoint": "flows/flow.py:my_flow",
    "job_variables": {},
    "version": "0ab555c6",
    "version_info": {"type": "prefect:simple", "version": "0ab555c6"},
}


def test_a_flow_is_made_once(plane: Rig) -> None:
    made = plane.call("POST", "/flows/", {"name": "f", "tags": ["t"], "labels": {"team": "data"}})
    again = plane.call("POST", "/flows/", {"name": "f", "tags": [], "labels": None})
    assert (made.status, again.status) == (201, 200)
    assert made.body == again.body == plane.ok("GET", f"/flows/{made.body['id']}")
    assert (made.body["tags"], made.body["labels"]) == (["t"], {"team": "data"})


def test_a_deployment_keeps_its_id_and_history(plane: Rig) -> None:
    plane.pool()
    first = plane.deployment(parameters={"x": 1}, tags=["t"], description="one")
    plane.clock.forward(5)
    body = {"name": "main", "flow_id": first["flow_id"], "work_pool_name": "pool", "entrypoint": "g.py:g"}
    again = plane.call("POST", "/deployments/", body)
    assert (again.status, again.body["id"]) == (200, first["id"])
    assert (again.body["created"], again.body["entrypoint"]) == (first["created"], "g.py:g")
    assert (again.body["description"], again.body["tags"], again.body["parameters"]) == (None, [], {})
    assert again.body["updated"] > first["updated"]


def test_it_takes_exactly_what_prefect_sends(plane: Rig) -> None:
    plane.pool()
    flow = plane.ok("POST", "/flows/", {"name": "my-flow", "tags": [], "labels": None})
    body = {**PREFECTS_POST, "flow_id": flow["id"]}
    body["schedules"] = [
        {
            "schedule": schedule,
            "active": True,
            "max_scheduled_runs": None,
            "parameters": {},
            "slug": None,
            "replaces": None,
        }
        for schedule in (
            {"cron": "0 4 * * *", "timezone": "UTC", "day_or": True},
            {"interval": 3600.0, "anchor_date": "2026-11-22T17:06:33.534156Z", "timezone": "UTC"},
            {"rrule": "DTSTART:20200101T000000\nFREQ=DAILY;BYHOUR=5", "timezone": "UTC"},
        )
    ]
    made = plane.ok("POST", "/deployments/", body)
    assert [set(row["schedule"]) for row in made["schedules"]] == [
        {"cron", "timezone", "day_or"},
        {"interval", "anchor_date", "timezone"},
        {"rrule", "timezone"},
    ]
    assert made["work_queue_name"] == "default"
    update = {
        key: body[key]
        for key in PREFECTS_POST
        if key not in ("name", "labels", "storage_document_id", "infrastructure_document_id", "path")
    }
    plane.ok(
        "PATCH", f"/deployments/{made['id']}", {**update, "schedules": [{"schedule": {"cron": "0 4 * * *"}}]}
    )


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"description": "new"}, {"description": "new"}),
        ({"tags": ["a", "b"]}, {"tags": ["a", "b"]}),
        ({"parameters": {"x": 9}}, {"parameters": {"x": 9}}),
        ({"version": "2"}, {"version": "2"}),
        ({"paused": True}, {"paused": True}),
        ({"concurrency_limit": 3}, {"concurrency_limit": 3}),
        ({"job_variables": {"env": {"A": "1"}}}, {"job_variables": {"env": {"A": "1"}}}),
        ({"timeout_seconds": 5}, {"timeout_seconds": 5.0}),
        ({"enforce_parameter_schema": False}, {"enforce_parameter_schema": False}),
        ({"work_queue_name": None}, {}),
        (
            {"concurrency_options": {"collision_strategy": "CANCEL_NEW"}},
            {"concurrency_options": {"collision_strategy": "CANCEL_NEW", "grace_period_seconds": None}},
        ),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_patch_changes_only_what_it_names(plane: Rig, change: Any, shown: Any) -> None:
    plane.pool()
    before = plane.deployment(parameters={"x": 1}, tags=["t"], description="one", version="1")
    plane.clock.forward(5)
    plane.ok("PATCH", f"/deployments/{before['id']}", change)
    after = plane.ok("GET", f"/deployments/{before['id']}")
    changed = {key: after[key] for key in after if after[key] != before[key]}
    if shown:
        assert changed.pop("updated") > before["updated"]
        assert changed.pop("revision") == before["revision"] + 1
    if shown and "paused" not in shown:
        assert changed.pop("version_number") == changed.pop("latest_version_number") == 2
    assert changed == shown


def test_another_pool_means_its_default_queue(plane: Rig) -> None:
    plane.pool()
    plane.pool("other")
    plane.ok("POST", "/work_pools/pool/queues", {"name": "q"})
    deployment = plane.deployment(work_queue_name="q")
    plane.ok("PATCH", f"/deployments/{deployment['id']}", {"work_pool_name": "other"})
    after = plane.ok("GET", f"/deployments/{deployment['id']}")
    assert (after["work_pool_name"], after["work_queue_name"]) == ("other", "default")


def test_it_is_found_by_names_that_are_encoded(plane: Rig) -> None:
    plane.pool()
    made = plane.deployment(flow="my flow", name="größe #1")
    assert plane.ok("GET", "/deployments/name/my%20flow/gr%C3%B6%C3%9Fe%20%231")["id"] == made["id"]


def test_lists_by_id_name_flow_and_pool(plane: Rig) -> None:
    plane.pool()
    plane.pool("other")
    rows = [
        plane.deployment(flow=flow, name=name, pool=pool)
        for flow, name, pool in (
            ("a", "x", "pool"),
            ("a", "y", "other"),
            ("a b", "x", "pool"),
            ("b", "x", "pool"),
        )
    ]
    names = [f"{row['flow_name']}/{row['name']}" for row in rows]

    def found(**body: Any) -> list[str]:
        return [f"{r['flow_name']}/{r['name']}" for r in plane.ok("POST", "/deployments/filter", body)]

    assert found() == ["a b/x", "a/x", "a/y", "b/x"] == sorted(names)
    assert found(deployments={"id": {"any_": [rows[3]["id"], rows[0]["id"]]}}) == ["b/x", "a/x"]
    assert found(deployments={"name": {"any_": ["x"]}}) == ["a b/x", "a/x", "b/x"]
    assert found(flows={"name": {"any_": ["a"]}}) == ["a/x", "a/y"]
    assert found(flows={"id": {"any_": [rows[2]["flow_id"], rows[3]["flow_id"]]}}) == ["a b/x", "b/x"]
    assert found(work_pools={"name": {"any_": ["other"]}}) == ["a/y"]
    assert found(flows={"name": {"any_": []}}) == []
    flows = plane.ok("POST", "/flows/filter", {"flows": {"name": {"any_": ["b", "a"]}}})
    assert [flow["name"] for flow in flows] == ["b", "a"]


def test_deleting_one_with_waiting_runs(plane: Rig) -> None:
    plane.pool()
    plane.ok("POST", "/work_pools/pool/queues", {"name": "q"})
    deployment = plane.deployment()
    run = plane.run(deployment, work_queue_name="q")
    refused = plane.call("DELETE", f"/deployments/{deployment['id']}")
    assert (refused.status, refused.body["code"]) == (409, "runs_waiting")
    assert refused.body["hint"] == "Say --cancel-runs."
    plane.ok("DELETE", f"/deployments/{deployment['id']}?cancel_runs=true")
    assert plane.read(run)["state_type"] == "CANCELLED"
    assert plane.call("GET", f"/deployments/{deployment['id']}").status == 404
    assert plane.ok("POST", "/deployments/filter", {}) == []
    assert plane.ok("GET", f"/flows/{deployment['flow_id']}")["name"] == "flow"


def test_a_refused_delete_leaves_the_coming_runs(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment(schedules=[{"schedule": {"interval": 60}}])
    listed = {"flow_runs": {"deployment_id": {"any_": [deployment["id"]]}}}
    coming = plane.ok("POST", "/flow_runs/filter", listed)
    assert len(coming) == 3
    plane.run(deployment)
    assert plane.call("DELETE", f"/deployments/{deployment['id']}").status == 409
    assert len(plane.ok("POST", "/flow_runs/filter", listed)) == 4


def test_coming_runs_alone_do_not_hold_a_deployment(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment(schedules=[{"schedule": {"interval": 60}}])
    plane.ok("DELETE", f"/deployments/{deployment['id']}")
    assert plane.ok("POST", "/flow_runs/filter", {}) == []
    again = plane.deployment(schedules=[{"schedule": {"interval": 60}}])
    assert again["id"] == deployment["id"]
    assert len(plane.ok("POST", "/flow_runs/filter", {})) == 3


def test_a_grant_says_all_that_is_needed_to_start(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment(
        parameters={"x": 1},
        path="/srv",
        pull_steps=[{"headrace.deployments.steps.git_clone": {"repository": "r"}}],
        job_variables={"env": {"A": "1"}},
        timeout_seconds=30,
        tags=["t"],
    )
    run = plane.run(deployment, parameters={"y": 2}, job_variables={"env": {"B": "2"}})
    (grant,) = plane.worker().claim()
    assert grant["run"] == run["id"]
    assert (grant["entrypoint"], grant["path"], grant["timeout_seconds"]) == ("flow.py:flow", "/srv", 30.0)
    assert (grant["parameters"], grant["tags"]) == ({"x": 1, "y": 2}, ["t"])
    assert grant["pull_steps"] == [{"headrace.deployments.steps.git_clone": {"repository": "r"}}]
    assert grant["configuration"]["env"] == {"A": "1", "B": "2"}


@pytest.mark.parametrize("pinned", [False, True])
def test_a_deploy_resumes_nothing_that_somebody_paused(plane: Rig, pinned: bool) -> None:
    plane.pool()
    deployment = plane.deployment()
    path = f"/deployments/{deployment['id']}"
    if pinned:
        plane.ok("POST", f"{path}/pin", {"version": 1})
    plane.ok("PATCH", path, {"paused": True})
    for values in ({}, {"tags": ["x"]}):
        plane.deployment(**values)
        assert plane.ok("GET", path)["paused"] is True
    plane.deployment(paused=False)
    assert plane.ok("GET", path)["paused"] is False


def test_one_whose_pool_is_gone_can_be_paused(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment()
    plane.ok("DELETE", "/work_pools/pool?cancel_runs=true")
    path = f"/deployments/{deployment['id']}"
    for paused in (True, False):
        plane.ok("PATCH", path, {"paused": paused})
        assert plane.ok("GET", path)["paused"] is paused


def test_a_check_tells_all_that_is_wrong_of_each_and_makes_nothing(plane: Rig) -> None:
    plane.pool()
    nobody = "00000000-0000-0000-0000-000000000000"
    good = {"name": "a", "flow_id": nobody, "work_pool_name": "pool", "parameter_openapi_schema": SCHEMA}
    wrong = {
        "parameters": {"x": "many", "z": 1},
        "work_queue_name": "none",
        "job_variables": {"timeout": "abc"},
        "schedules": [
            {"schedule": {"cron": "61 * * * *"}},
            {"schedule": {"cron": "0 4 * * *"}},
            {"schedule": {"interval": 60, "timezone": "Mars/Base"}},
        ],
    }
    poolless = {"name": "a", "flow_id": nobody, "schedules": [{"schedule": {"interval": 60}}]}
    asked = [good, good | wrong, good | {"work_pool_name": "none"}, poolless]
    refused = plane.ok("POST", "/deployments/check", {"deployments": asked})
    paths = [problem["path"] for one in refused if one["number"] == 1 for problem in one["errors"]]
    assert paths == [
        "parameters.x",
        "parameters.z",
        "job_variables.timeout",
        "schedules.0.schedule.cron",
        "schedules.2.schedule.timezone",
    ]
    told = [(one["number"], one["code"]) for one in refused]
    assert {number for number, _ in told} == {1, 2, 3}
    assert [number for number, code in told if code == "not_found"] == [1, 2]
    assert (plane.ok("POST", "/deployments/filter", {}), plane.ok("POST", "/flows/filter", {})) == ([], [])
