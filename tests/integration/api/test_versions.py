"""Versions of deployments through the routes: made, compared, gone back to, pinned."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.contract.base import AUTHOR_HEADER
from tests.support.plane import Reply, Rig

CRON = {"cron": "0 4 * * *"}
GIT, BUNDLE = "headrace.deployments.steps.git_clone", "headrace.deployments.steps.pull_bundle"
SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}


def _git(commit: str) -> list[dict[str, Any]]:
    return [{GIT: {"repository": "https://example.com/r.git", "commit": commit}}]


def _path(deployment: Any, rest: str = "") -> str:
    return f"/deployments/{deployment['id']}{rest}"


def _shown(rig: Rig, deployment: Any) -> Any:
    return rig.ok("GET", _path(deployment))


def _numbers(rig: Rig, deployment: Any) -> tuple[int, int, bool]:
    shown = _shown(rig, deployment)
    return shown["version_number"], shown["latest_version_number"], shown["pinned"]


def _versions(rig: Rig, deployment: Any) -> list[Any]:
    return list(rig.ok("POST", _path(deployment, "/versions/filter"), {}))


def _said(rig: Rig, deployment: Any, number: int) -> Any:
    return rig.ok("GET", _path(deployment, f"/versions/{number}"))["definition"]


def _patch(rig: Rig, deployment: Any, **changes: Any) -> None:
    rig.ok("PATCH", _path(deployment), changes)


@pytest.fixture
def rich(plane: Rig) -> Any:
    """A deployment with something of everything, at version 1."""
    plane.pool()
    return plane.deployment(
        version="one",
        description="first",
        tags=["a"],
        labels={"team": "data"},
        parameters={"x": 1, "deep": {"y": [1, 2]}},
        pull_steps=_git("a" * 40),
        job_variables={"env": {"A": "1"}},
        concurrency_limit=2,
        concurrency_options={"collision_strategy": "CANCEL_NEW"},
        retry_policy={"retries": 2, "delay": [1, 5], "on": ["ValueError"]},
        timeout_seconds=60,
        schedules=[{"schedule": CRON, "slug": "nightly", "overlap": "skip", "parameters": {"x": 2}}],
    )


def test_the_first_deploy_makes_version_one(plane: Rig, rich: Any) -> None:
    (version,) = _versions(plane, rich)
    assert (version["number"], version["version"], version["commit"]) == (1, "one", "a" * 40)
    assert version["changed"] == [] and version["rolled_back_to"] is None
    assert _numbers(plane, rich) == (1, 1, False)
    said = _said(plane, rich, 1)
    assert (said["concurrency_limit"], said["retry_policy"]["delay"]) == (2, [1, 5])
    assert said["schedules"]["nightly"]["schedule"]["cron"] == "0 4 * * *"
    assert "paused" not in said and "active" not in said["schedules"]["nightly"]


def test_a_deploy_that_changes_nothing_makes_none_and_writes_nothing(plane: Rig, rich: Any) -> None:
    shown = _shown(plane, rich)
    known = {"id", "created", "updated", "flow_name", "work_queue_id", "status", "revision", "pinned"}
    known |= {"version_number", "latest_version_number"}
    body = {name: value for name, value in shown.items() if name not in known}
    schedule = {"id", "created", "updated", "deployment_id", "revision", "next_due"}
    body["schedules"] = [
        {name: value for name, value in one.items() if name not in schedule} for one in body["schedules"]
    ]
    plane.clock.forward(5)
    before = len(plane.aws.calls)
    again = plane.call("POST", "/deployments", body)
    assert again.status == 200 and again.body == shown
    plane.ok("PATCH", _path(rich), {"description": "first", "parameters": {"deep": {"y": [1, 2]}, "x": 1.0}})
    assert not [call for call in plane.aws.calls[before:] if call.writes]
    plane.ok("POST", "/deployments", {**body, "version_info": {"type": "git", "author": "ana"}})
    assert _numbers(plane, rich) == (1, 1, False)


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        ({"description": "second"}, ["description"]),
        ({"version": "two"}, ["version"]),
        ({"parameters": {"x": True, "deep": {"y": [1, 2]}}}, ["parameters.x"]),
        ({"parameters": {"x": 1}}, ["parameters.deep"]),
        ({"pull_steps": _git("b" * 40)}, [f"pull_steps.0.{GIT}.commit"]),
        ({"retry_policy": None}, ["retry_policy"]),
        ({"retry_policy": {"retries": 3, "delay": [1, 5], "on": ["ValueError"]}}, ["retry_policy.retries"]),
        ({"concurrency_limit": None}, ["concurrency_limit"]),
        ({"schedules": []}, ["schedules.nightly"]),
        (
            {"schedules": [{"schedule": {"cron": "0 5 * * *"}, "slug": "nightly", "overlap": "skip"}]},
            ["schedules.nightly.parameters.x", "schedules.nightly.schedule.cron"],
        ),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_changed_is_named(plane: Rig, rich: Any, change: Any, paths: list[str]) -> None:
    _patch(plane, rich, **change)
    latest = _versions(plane, rich)[0]
    assert (latest["number"], latest["changed"]) == (2, paths)
    diff = plane.ok("GET", _path(rich, "/versions/1/diff"))
    assert (diff["number"], diff["to"]) == (1, 2)
    assert [row["path"] for row in diff["changes"]] == paths
    back = plane.ok("GET", _path(rich, "/versions/2/diff?to=1"))
    assert [(row["before"], row["after"]) for row in back["changes"]] == [
        (row["after"], row["before"]) for row in diff["changes"]
    ]


def test_pauses_make_no_version_and_survive_a_rollback(plane: Rig, rich: Any) -> None:
    _patch(plane, rich, description="second")
    schedule = f"/schedules/{rich['schedules'][0]['id']}"
    _patch(plane, rich, paused=True)
    plane.ok("PATCH", _path(rich, schedule), {"active": False})
    assert _numbers(plane, rich) == (2, 2, False)
    plane.ok("POST", _path(rich, "/rollback"), {"version": 1})
    shown = _shown(plane, rich)
    assert (shown["paused"], shown["schedules"][0]["active"]) == (True, False)
    plane.ok("DELETE", _path(rich, schedule))
    plane.ok("POST", _path(rich, "/rollback"), {"version": 1})
    (schedule_back,) = _shown(plane, rich)["schedules"]
    assert (schedule_back["slug"], schedule_back["active"]) == ("nightly", False)


def test_schedules_changed_by_themselves_make_versions(plane: Rig, rich: Any) -> None:
    plane.ok("POST", _path(rich, "/schedules"), [{"schedule": {"interval": 3600}, "slug": "hourly"}])
    hourly = next(one for one in _shown(plane, rich)["schedules"] if one["slug"] == "hourly")
    plane.ok("PATCH", _path(rich, f"/schedules/{hourly['id']}"), {"jitter": 5})
    plane.ok("PATCH", _path(rich, f"/schedules/{hourly['id']}"), {"slug": "each-hour"})
    renamed = next(one for one in _shown(plane, rich)["schedules"] if one["slug"] == "each-hour")
    plane.ok("DELETE", _path(rich, f"/schedules/{renamed['id']}"))
    changed = [version["changed"] for version in reversed(_versions(plane, rich))]
    assert changed == [
        [],
        ["schedules.hourly"],
        ["schedules.hourly.jitter"],
        ["schedules.each-hour", "schedules.hourly"],
        ["schedules.each-hour"],
    ]


def test_a_rollback_takes_back_everything(plane: Rig, rich: Any) -> None:
    first = _said(plane, rich, 1)
    plane.pool("other")
    _patch(
        plane,
        rich,
        version="two",
        tags=[],
        parameters={},
        pull_steps=[{BUNDLE: {"digest": "sha256:1"}}],
        work_pool_name="other",
        concurrency_limit=7,
        concurrency_options={"collision_strategy": "ENQUEUE"},
        retry_policy=None,
        timeout_seconds=None,
        schedules=[{"schedule": {"interval": 60}, "slug": "often"}],
    )
    assert _versions(plane, rich)[0]["digest"] == "sha256:1"
    done = plane.call("POST", _path(rich, "/rollback"), {"version": 1})
    assert (done.status, done.body["version_number"]) == (201, 3)
    assert _said(plane, rich, 3) == first
    latest = _versions(plane, rich)[0]
    assert (latest["rolled_back_to"], latest["commit"], latest["version"]) == (1, "a" * 40, "one")
    shown = _shown(plane, rich)
    for member in ("tags", "parameters", "pull_steps", "work_pool_name", "retry_policy", "labels"):
        assert shown[member] == rich[member]
    assert [one["slug"] for one in shown["schedules"]] == ["nightly"]
    limit = plane.ok("GET", f"/v2/concurrency_limits/deployment:{rich['id']}")
    assert limit["limit"] == 2
    again = plane.call("POST", _path(rich, "/rollback"), {"version": 1})
    assert (again.status, again.body["version_number"]) == (200, 3)


def test_a_rollback_withdraws_what_the_newer_schedule_had_made(plane: Rig, rich: Any) -> None:
    _patch(plane, rich, schedules=[{"schedule": {"interval": 60}, "slug": "often"}])
    plane.plane.tick()
    assert plane.ok("POST", "/flow_runs/filter", {})
    plane.ok("POST", _path(rich, "/rollback"), {"version": 1})
    assert plane.ok("POST", "/flow_runs/filter", {}) == []
    plane.ok("POST", _path(rich, "/rollback"), {"version": 2})
    assert plane.ok("POST", "/flow_runs/filter", {}), "put back, it makes its runs again"


def test_a_rollback_to_what_is_gone_says_so_and_changes_nothing(plane: Rig, rich: Any) -> None:
    plane.pool("other")
    _patch(plane, rich, work_pool_name="other")
    plane.ok("DELETE", "/work_pools/pool")
    before = _shown(plane, rich)
    reply = plane.call("POST", _path(rich, "/rollback"), {"version": 1})
    assert reply.status == 404
    assert reply.body["message"].startswith("Version 1 of 'flow/main' cannot be put in force: ")
    assert "'pool'" in reply.body["message"]
    assert _shown(plane, rich) == before
    assert plane.call("POST", _path(rich, "/pin"), {"version": 1}).status == 404


def test_while_pinned_deploys_make_versions_and_what_runs_stays(plane: Rig, rich: Any) -> None:
    _patch(plane, rich, description="second")
    plane.ok("POST", _path(rich, "/pin"), {"version": 1})
    assert _numbers(plane, rich) == (1, 2, True)
    _patch(plane, rich, tags=["c"])
    assert _numbers(plane, rich) == (1, 3, True)
    assert _shown(plane, rich)["tags"] == ["a"]
    assert _said(plane, rich, 3) == {**_said(plane, rich, 2), "tags": ["c"]}, "it builds upon the latest"
    _patch(plane, rich, paused=True)
    assert _shown(plane, rich)["paused"] is True
    body = {"name": "main", "flow_id": rich["flow_id"], "entrypoint": "g.py:g", "work_pool_name": "pool"}
    assert plane.ok("POST", "/deployments", body)["entrypoint"] == "flow.py:flow"
    assert list(_said(plane, rich, 4)["schedules"]) == ["nightly"]
    for method, path, values in (
        ("POST", "/rollback", {"version": 2}),
        ("DELETE", f"/schedules/{rich['schedules'][0]['id']}", None),
        ("POST", "/schedules", [{"schedule": {"interval": 60}}]),
    ):
        reply = plane.call(method, _path(rich, path), values)
        assert (reply.status, reply.body["code"]) == (409, "pinned")
    after = plane.ok("POST", _path(rich, "/unpin"))
    assert (after["version_number"], after["pinned"], after["entrypoint"]) == (4, False, "g.py:g")
    assert plane.ok("POST", _path(rich, "/unpin")) == after
    assert _numbers(plane, rich) == (4, 4, False)


def test_while_pinned_deploys_pause_schedules_those_to_come_included(plane: Rig, rich: Any) -> None:
    nightly = {"schedule": CRON, "slug": "nightly", "overlap": "skip", "parameters": {"x": 2}}
    late, early = ({"schedule": {"interval": 60}, "slug": slug} for slug in ("late", "early"))

    def active() -> dict[str, bool]:
        return {one["slug"]: one["active"] for one in _shown(plane, rich)["schedules"]}

    plane.ok("POST", _path(rich, "/pin"), {"version": 1})
    _patch(
        plane,
        rich,
        schedules=[{**nightly, "active": False}, {**late, "active": False}, {**early, "active": False}],
    )
    assert active() == {"nightly": False}
    assert _numbers(plane, rich) == (1, 2, True)
    _patch(plane, rich, schedules=[nightly, late, {**early, "active": True}])
    assert active() == {"nightly": False}
    plane.ok("POST", _path(rich, "/unpin"))
    assert active() == {"nightly": False, "late": False, "early": True}


def test_numbers_go_on_when_a_deployment_is_made_again(plane: Rig, rich: Any) -> None:
    _patch(plane, rich, description="second")
    plane.ok("DELETE", _path(rich))
    again = plane.deployment(description="third")
    assert again["id"] == rich["id"] and again["version_number"] == 3
    assert [version["number"] for version in _versions(plane, again)] == [3, 2, 1]
    plane.ok("POST", _path(again, "/rollback"), {"version": 1})
    assert _said(plane, again, 4) == _said(plane, again, 1)


def test_the_list_is_paged(plane: Rig, rich: Any) -> None:
    for number in range(2, 8):
        _patch(plane, rich, description=f"version {number}")
    seen: list[int] = []
    cursor: str | None = None
    pages = 0
    while True:
        reply = plane.call("POST", _path(rich, "/versions/filter"), {"limit": 3, "cursor": cursor})
        seen += [row["number"] for row in reply.body]
        pages += 1
        cursor = reply.headers.get("Headrace-Next-Cursor")
        if cursor is None:
            break
    assert (seen, pages) == ([7, 6, 5, 4, 3, 2, 1], 3)
    assert [row["number"] for row in _page(plane, rich, offset=2, limit=2).body] == [5, 4]
    assert plane.call("POST", _path(rich, "/versions/filter"), {"cursor": "made-up"}).status == 422


def _page(plane: Rig, deployment: Any, **body: Any) -> Reply:
    return plane.call("POST", _path(deployment, "/versions/filter"), body)


def test_who_made_it(plane: Rig, rich: Any) -> None:
    plane.call("PATCH", _path(rich), {"description": "2"}, extra={AUTHOR_HEADER: "J%C3%BCrg@host"})
    _patch(plane, rich, description="3", version_info={"type": "git", "author": "ci", "commit_sha": "c0ffee"})
    latest, second, first = _versions(plane, rich)
    assert (first["created_by"], second["created_by"], latest["created_by"]) == (None, "Jürg@host", "ci")
    assert latest["commit"] == "a" * 40, "what is pinned is what runs, whatever version_info says"


def test_two_deploys_at_once_get_a_number_each(plane: Rig, rich: Any) -> None:
    """Between any two calls of one deploy another one happens whole."""
    calls = len(plane.aws.calls)
    _patch(plane, rich, description="alone")
    needed = len(plane.aws.calls) - calls
    for at in range(needed):
        seen = iter(range(1000))

        def meanwhile(call: Any, carry: Any, at: int = at, seen: Any = seen) -> Any:
            if next(seen) == at:
                plane.aws.fault = None
                _patch(plane, rich, tags=[f"between {at}"])
            return carry()

        plane.aws.fault = meanwhile
        _patch(plane, rich, description=f"around {at}")
        plane.aws.fault = None
        shown = _shown(plane, rich)
        assert (shown["description"], shown["tags"]) == (f"around {at}", [f"between {at}"])
    numbers = [version["number"] for version in _versions(plane, rich)]
    assert numbers == list(range(2 + 2 * needed, 0, -1))


def test_a_definition_that_no_version_can_hold_is_refused(plane: Rig, rich: Any) -> None:
    text = "".join(f"{number * 7919 % 1000003:06d}" for number in range(15_000))
    for number in range(20):
        one = {"schedule": {"interval": 60}, "slug": f"s{number}", "parameters": {"x": f"{number}{text}"}}
        reply = plane.call("POST", _path(rich, "/schedules"), [one])
        if reply.status != 201:
            break
    assert reply.status == 413 and "a version keeps at most 1000000" in reply.body["message"]
    assert number > 5
    assert _numbers(plane, rich) == (number + 1, number + 1, False)
    assert len(_shown(plane, rich)["schedules"]) == number + 1
