"""Work pools and queues through the routes."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.support.plane import Rig
from tests.support.strict import Call


def waiting(plane: Rig, **values: Any) -> Any:
    """A deployment with one run that waits."""
    deployment = plane.deployment(**values)
    return deployment, plane.run(deployment)


def test_a_pool_has_a_default_queue_and_the_template_of_its_type(plane: Rig) -> None:
    pool = plane.pool(description="d", concurrency_limit=4)
    assert (pool["type"], pool["status"], pool["is_paused"]) == ("process", "NOT_READY", False)
    assert (pool["description"], pool["concurrency_limit"]) == ("d", 4)
    assert {"job_configuration", "variables"} <= set(pool["base_job_template"])
    queue = plane.ok("GET", "/work_pools/pool/queues/default")
    assert (queue["id"], queue["priority"], queue["name"]) == (pool["default_queue_id"], 1, "default")
    assert plane.ok("GET", "/work_pools/pool")["active_slots"] == 0


def test_a_patch_changes_only_what_it_names(plane: Rig) -> None:
    before = plane.pool(description="d", concurrency_limit=4)
    plane.clock.forward(1)
    plane.ok("PATCH", "/work_pools/pool", {"is_paused": True})
    after = plane.ok("GET", "/work_pools/pool")
    changed = {key for key in before if before[key] != after[key]} - {"active_slots"}
    assert changed == {"is_paused", "status", "updated"}
    assert after["status"] == "PAUSED"
    plane.ok("PATCH", "/work_pools/pool", {"is_paused": False, "concurrency_limit": None})
    again = plane.ok("GET", "/work_pools/pool")
    assert (again["status"], again["concurrency_limit"], again["active_slots"]) == ("NOT_READY", None, None)


def test_queues_come_in_the_order_in_which_they_are_served(plane: Rig) -> None:
    plane.pool()
    made = [
        plane.ok("POST", "/work_pools/pool/queues", body)
        for body in ({"name": "b"}, {"name": "a"}, {"name": "urgent", "priority": 1})
    ]
    assert [queue["priority"] for queue in made] == [2, 3, 1]
    found = plane.ok("POST", "/work_pools/pool/queues/filter", {})
    assert [queue["name"] for queue in found] == ["default", "urgent", "b", "a"]
    plane.ok("PATCH", f"/work_queues/{made[1]['id']}", {"priority": 1, "description": "now first"})
    found = plane.ok("POST", "/work_pools/pool/queues/filter", {"limit": 1})
    assert [(queue["name"], queue["description"]) for queue in found] == [("a", "now first")]
    assert found[0] == plane.ok("GET", f"/work_queues/{made[1]['id']}")


def test_queues_are_found_by_name_and_by_id(plane: Rig) -> None:
    plane.pool()
    plane.pool("other")
    second = plane.ok("POST", "/work_pools/pool/queues", {"name": "second"})
    for path in ("/work_queues/filter", "/work_pools/pool/queues/filter"):
        by_id = plane.ok("POST", path, {"work_queues": {"id": {"any_": [second["id"]]}}})
        by_name = plane.ok("POST", path, {"work_queues": {"name": {"any_": ["second", "none"]}}})
        assert [row["id"] for row in by_id] == [row["id"] for row in by_name] == [second["id"]]
    rows = plane.ok("POST", "/work_queues/filter", {})
    assert [(row["work_pool_name"], row["name"]) for row in rows] == [
        ("other", "default"),
        ("pool", "default"),
        ("pool", "second"),
    ]


@pytest.mark.parametrize("what", ["pool", "queue", "deployment"])
def test_nothing_starts_from_a_pause_until_it_is_resumed(plane: Rig, what: str) -> None:
    pool = plane.pool()
    deployment, run = waiting(plane)
    path, member = {
        "pool": ("/work_pools/pool", "is_paused"),
        "queue": (f"/work_queues/{pool['default_queue_id']}", "is_paused"),
        "deployment": (f"/deployments/{deployment['id']}", "paused"),
    }[what]
    worker = plane.worker()
    plane.ok("PATCH", path, {member: True})
    assert worker.claim() == []
    assert plane.read(run)["state_type"] == "SCHEDULED"
    plane.clock.forward(60)
    plane.ok("PATCH", path, {member: False})
    assert [grant["run"] for grant in worker.claim()] == [run["id"]]
    assert worker.claim() == []


def test_a_pool_that_was_paused_says_so(plane: Rig) -> None:
    pool = plane.pool(is_paused=True)
    assert pool["status"] == "PAUSED"
    queue = plane.ok("POST", "/work_pools/pool/queues", {"name": "q", "is_paused": True})
    assert queue["status"] == "PAUSED"


def test_deleting_a_pool_with_waiting_runs(plane: Rig) -> None:
    plane.pool()
    plane.pool("other")
    _, run = waiting(plane)
    refused = plane.call("DELETE", "/work_pools/pool")
    assert (refused.status, refused.body["code"]) == (409, "runs_waiting")
    assert run["name"] in refused.body["message"]
    plane.ok("DELETE", "/work_pools/pool?move_to=other")
    assert plane.call("GET", "/work_pools/pool").status == 404
    moved = plane.read(run)
    assert (moved["work_pool_name"], moved["work_queue_name"]) == ("other", "default")
    assert moved["state_type"] == "SCHEDULED"
    plane.ok("DELETE", "/work_pools/other?cancel_runs=true")
    assert plane.read(run)["state_type"] == "CANCELLED"
    assert plane.ok("POST", "/work_pools/filter", {}) == []
    assert plane.ok("POST", "/work_queues/filter", {}) == []


def test_a_moved_run_is_claimed_where_it_went(plane: Rig) -> None:
    plane.pool()
    queue = plane.ok("POST", "/work_pools/pool/queues", {"name": "q"})
    _, run = waiting(plane, work_queue_name="q")
    worker = plane.worker(work_queues=["default"])
    assert worker.claim() == []
    plane.ok("DELETE", f"/work_queues/{queue['id']}?move_to=default")
    assert [grant["run"] for grant in worker.claim()] == [run["id"]]


def test_runs_in_a_limits_line_count_as_waiting(plane: Rig) -> None:
    plane.pool()
    plane.ok("POST", "/v2/concurrency_limits", {"name": "db", "limit": 0})
    _, run = waiting(plane, tags=["db"])
    assert plane.call("DELETE", "/work_pools/pool").status == 409
    plane.ok("DELETE", "/work_pools/pool?cancel_runs=true")
    assert plane.read(run)["state_type"] == "CANCELLED"


def test_a_queue_whose_runs_are_going_stays(plane: Rig) -> None:
    plane.pool()
    queue = plane.ok("POST", "/work_pools/pool/queues", {"name": "q"})
    waiting(plane, work_queue_name="q")
    worker = plane.worker()
    (grant,) = worker.claim()
    refused = plane.call("DELETE", f"/work_queues/{queue['id']}?cancel_runs=true")
    assert (refused.status, refused.body["code"]) == (409, "runs_active")
    worker.start(grant)
    worker.end(grant)
    plane.ok("DELETE", f"/work_queues/{queue['id']}?cancel_runs=true")
    assert plane.call("GET", f"/work_queues/{queue['id']}").status == 404


def test_a_pool_can_be_made_again(plane: Rig) -> None:
    plane.pool()
    plane.ok("DELETE", "/work_pools/pool")
    assert plane.pool()["name"] == "pool"
    _, run = waiting(plane)
    assert [grant["run"] for grant in plane.worker().claim()] == [run["id"]]


def test_pools_whose_names_would_run_together_stay_apart(plane: Rig) -> None:
    plane.pool("a")
    plane.pool("a#b")
    plane.ok("POST", "/work_pools/a/queues", {"name": "b#default"})
    _, run = waiting(plane, pool="a", work_queue_name="b#default")
    assert plane.worker("a%23b").claim() == []
    assert plane.ok("GET", f"/flow_runs/{run['id']}/why")["code"] == "no_worker"
    assert [grant["run"] for grant in plane.worker("a", "w2").claim()] == [run["id"]]


@pytest.mark.parametrize("name", ["größe", "a b", "日本", "a?b=c", "a#b", "a+b", "😀" * 40, "a.b-c_d:e"])
def test_a_name_may_be_in_any_script(plane: Rig, name: str) -> None:
    plane.pool(name)
    step = quote(name, safe="")
    assert plane.ok("GET", f"/work_pools/{step}")["name"] == name
    page = plane.call("POST", "/work_pools/filter", {"limit": 1})
    assert [row["name"] for row in page.body] == [name]
    cursor = page.headers["Headrace-Next-Cursor"]
    assert cursor.isascii()
    assert plane.ok("POST", "/work_pools/filter", {"cursor": cursor}) == []
    plane.ok("DELETE", f"/work_pools/{step}")


def test_the_status_of_a_queue(plane: Rig) -> None:
    pool = plane.pool()
    path = f"/work_queues/{pool['default_queue_id']}/status"
    assert plane.ok("GET", path) == {"healthy": False, "late_runs_count": 0, "last_polled": None}
    plane.worker()
    assert plane.ok("GET", path)["healthy"] is True
    waiting(plane)
    plane.clock.forward(15)
    assert plane.ok("GET", path)["late_runs_count"] == 0
    plane.clock.forward(1)
    status = plane.ok("GET", path)
    assert (status["healthy"], status["late_runs_count"]) == (False, 1)


def test_runs_that_wait_in_a_pool_come_as_they_will_be_claimed(plane: Rig) -> None:
    plane.pool()
    plane.ok("POST", "/work_pools/pool/queues", {"name": "later"})
    late = plane.deployment(name="late", work_queue_name="later")
    soon = plane.deployment(name="soon")
    runs = [plane.run(late), plane.run(soon)]
    plane.clock.forward(5)
    runs.append(plane.run(soon))
    path = "/work_pools/pool/get_scheduled_flow_runs"
    found = plane.ok("POST", path, {})
    assert [row["flow_run"]["id"] for row in found] == [runs[1]["id"], runs[2]["id"], runs[0]["id"]]
    assert found[0]["work_pool_id"] == plane.ok("GET", "/work_pools/pool")["id"]
    only = plane.ok("POST", path, {"work_queue_names": ["later"]})
    assert [row["flow_run"]["id"] for row in only] == [runs[0]["id"]]
    after = plane.ok("POST", path, {"scheduled_after": plane.clock.now.isoformat()})
    assert [row["flow_run"]["id"] for row in after] == [runs[2]["id"]]
    queue = only[0]["work_queue_id"]
    assert [run["id"] for run in plane.ok("POST", f"/work_queues/{queue}/get_runs", {})] == [runs[0]["id"]]


@pytest.mark.parametrize("what", ["pool", "queue"])
def test_where_deployments_run_is_not_deleted_unasked(plane: Rig, what: str) -> None:
    plane.pool()
    queue = plane.ok("POST", "/work_pools/pool/queues", {"name": "q"})
    path = "/work_pools/pool" if what == "pool" else f"/work_queues/{queue['id']}"
    deployment = plane.deployment(work_queue_name="q")
    refused = plane.call("DELETE", path)
    assert (refused.status, refused.body["code"]) == (409, "deployments_point_here")
    assert "'flow/main'" in refused.body["message"]
    assert plane.ok("GET", path)["name"]
    plane.ok("DELETE", f"/deployments/{deployment['id']}")
    plane.ok("DELETE", path)


@pytest.mark.parametrize("limit", [None, 1])
def test_a_pool_of_many_queues_can_be_deleted(plane: Rig, limit: int | None) -> None:
    plane.pool(concurrency_limit=limit)
    view = plane.plane.ports.pools.view
    for number in range(70):
        body = {"name": f"q{number}", "concurrency_limit": limit}
        plane.ok("POST", "/work_pools/pool/queues", body)
    urls = [queue.url for queue in getattr(view("pool"), "queues", {}).values()]
    plane.ok("DELETE", "/work_pools/pool")
    assert view("pool") is None
    assert len(urls) == 71
    assert not [url for url in urls if plane.aws.has_queue(url)]
    assert plane.ok("POST", "/v2/concurrency_limits/filter", {}) == []
    assert plane.ok("POST", "/work_queues/filter", {}) == []


def test_a_delete_of_a_pool_of_many_queues_that_broke_off_is_gone_on_with(plane: Rig) -> None:
    plane.pool()
    for number in range(40):
        plane.ok("POST", "/work_pools/pool/queues", {"name": f"q{number}"})
    writes: list[Call] = []

    def meddle(call: Call) -> None:
        writes.extend([call] if call.operation == "TransactWriteItems" else [])
        if len(writes) == 2:
            plane.aws.watch = None
            plane.plane.pools.update("pool", {"description": "changed in between"})

    plane.aws.watch = meddle
    refused = plane.call("DELETE", "/work_pools/pool")
    assert (refused.status, refused.body["code"]) == (409, "busy")
    left = {queue["name"] for queue in plane.ok("POST", "/work_queues/filter", {})}
    assert "default" in left
    assert len(left) < 41
    plane.ok("DELETE", "/work_pools/pool")
    assert plane.call("GET", "/work_pools/pool").status == 404
