"""Concurrency limits with the runs that hold them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.aws import Carry
from tests.support.faults import _conflict
from tests.support.plane import Rig, WorkerRig
from tests.support.strict import Call

PATH = "/v2/concurrency_limits"


def test_a_tag_limit_from_first_to_last(plane: Rig) -> None:
    plane.pool()
    made = plane.ok(
        "POST", f"{PATH}/", {"name": "db", "limit": 2, "active": True, "slot_decay_per_second": 0}
    )
    assert (made["name"], made["kind"], made["subject"], made["limit"]) == ("tag:db", "tag", "db", 2)
    assert (made["active_slots"], made["holders"]) == (0, [])
    deployment = plane.deployment(tags=["db"])
    runs = [plane.run(deployment) for _ in range(4)]
    worker = plane.worker(limit=4)
    grants = worker.claim(4)
    assert [grant["run"] for grant in grants] == [run["id"] for run in runs[:2]]
    held = plane.ok("GET", f"{PATH}/db")
    assert (held["active_slots"], set(held["holders"])) == (2, {run["id"] for run in runs[:2]})
    assert held == plane.ok("GET", f"{PATH}/tag:db")
    plane.ok("PATCH", f"{PATH}/db", {"limit": 1})
    assert plane.ok("GET", f"{PATH}/db")["active_slots"] == 2
    worker.start(grants[0])
    worker.end(grants[0])
    assert worker.claim(4) == []
    plane.ok("PATCH", f"{PATH}/db", {"limit": 3})
    assert [grant["run"] for grant in worker.claim(4)] == [run["id"] for run in runs[2:]]
    plane.ok("DELETE", f"{PATH}/db")
    assert plane.call("GET", f"{PATH}/db").status == 404
    assert len(plane.ok("POST", f"{PATH}/filter", {})) == 0


def test_a_limit_made_while_runs_are_going_is_held_by_them(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment(tags=["db"])
    going, waits = plane.run(deployment), plane.run(deployment)
    worker = plane.worker(limit=2)
    (grant,) = worker.claim(1)
    made = plane.ok("POST", PATH, {"name": "db", "limit": 1})
    assert made["holders"] == [going["id"]]
    assert worker.claim() == []
    worker.start(grant)
    worker.end(grant)
    assert [grant["run"] for grant in worker.claim()] == [waits["id"]]


@pytest.mark.parametrize("tag", ["a/b", "a b", "größe", "pool:x", "tag:x", "#1"])
def test_any_tag_can_be_limited(plane: Rig, tag: str) -> None:
    made = plane.ok("POST", PATH, {"name": f"tag:{tag}", "limit": 1})
    assert made["subject"] == tag
    step = quote(f"tag:{tag}", safe="")
    assert plane.ok("GET", f"{PATH}/{step}") == made
    plane.ok("DELETE", f"{PATH}/{step}")


def test_limits_of_pools_queues_and_deployments_are_shown(plane: Rig) -> None:
    pool = plane.pool(concurrency_limit=5)
    queue = plane.ok("POST", "/work_pools/pool/queues", {"name": "q", "concurrency_limit": 4})
    deployment = plane.deployment(concurrency_limit=3, work_queue_name="q")
    run = plane.run(deployment)
    plane.worker().claim()
    rows = plane.ok("POST", f"{PATH}/filter", {})
    assert [(row["kind"], row["subject"], row["limit"], row["holders"]) for row in rows] == [
        ("deployment", deployment["id"], 3, [run["id"]]),
        ("pool", "pool", 5, [run["id"]]),
        ("queue", "pool/q", 4, [run["id"]]),
    ]
    status = {"concurrency_limit": 4, "active_slots": 1, "flow_run_ids": [run["id"]]}
    assert plane.ok("POST", f"/work_queues/{queue['id']}/concurrency_status", {}) == status
    assert plane.ok("POST", "/work_pools/pool/concurrency_status", {}) == {**status, "concurrency_limit": 5}
    none = {"concurrency_limit": None, "active_slots": 0, "flow_run_ids": []}
    assert plane.ok("POST", f"/work_queues/{pool['default_queue_id']}/concurrency_status", {}) == none
    assert plane.ok("GET", "/work_pools/pool")["active_slots"] == 1
    plane.ok("PATCH", "/work_pools/pool", {"concurrency_limit": None})
    plane.ok("PATCH", f"/deployments/{deployment['id']}", {"concurrency_limit": None})
    assert [row["kind"] for row in plane.ok("POST", f"{PATH}/filter", {})] == ["queue"]


def test_what_belongs_to_something_else_is_changed_with_that(plane: Rig) -> None:
    plane.pool(concurrency_limit=5)
    plane.ok(
        "PATCH",
        f"/work_queues/{plane.ok('GET', '/work_pools/pool')['default_queue_id']}",
        {"concurrency_limit": 4},
    )
    schedule = {"schedule": {"cron": "0 5 * * *"}, "slug": "nightly", "overlap": "skip"}
    deployment = plane.deployment(concurrency_limit=3, schedules=[schedule])["id"]
    commands = {
        "pool:pool": "headrace work-pool",
        "queue:pool/default": "headrace work-queue",
        f"deployment:{deployment}": "headrace deployment",
        f"schedule:{deployment}/nightly": "headrace deployment schedule",
    }
    for name, command in commands.items():
        refused: Any = plane.call("DELETE", f"{PATH}/{quote(name, safe='')}")
        assert (refused.status, refused.body["code"]) == (409, "owned_limit")
        assert f"`{command} ...`" in refused.body["hint"]


def test_cancel_new(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment(
        concurrency_limit=1, concurrency_options={"collision_strategy": "CANCEL_NEW"}
    )
    first, second = plane.run(deployment), plane.run(deployment)
    worker = plane.worker(limit=2)
    assert [grant["run"] for grant in worker.claim(2)] == [first["id"]]
    after = plane.read(second)
    assert (after["state_type"], after["state_name"]) == ("CANCELLED", "Skipped")
    assert "cancels what would have to wait" in after["state"]["message"]


@pytest.mark.parametrize("tags", [[], ["other"]])
def test_a_run_that_loses_its_tag_leaves_the_line_of_that_tag(plane: Rig, tags: list[str]) -> None:
    plane.pool()
    plane.ok("POST", PATH, {"name": "db", "limit": 0})
    run = plane.run(plane.deployment(tags=["db"]))
    worker = plane.worker()
    plane.ok("PATCH", f"/flow_runs/{run['id']}", {"tags": ["db", "more"]})
    assert worker.claim() == []
    sent = len(plane.aws.calls)
    plane.ok("PATCH", f"/flow_runs/{run['id']}", {"tags": tags})
    assert [call for call in plane.aws.calls[sent:] if call.operation.startswith("SendMessage")]
    assert plane.ok("GET", f"/flow_runs/{run['id']}/why")["code"] == "ready"
    assert [grant["run"] for grant in worker.claim()] == [run["id"]]


def test_a_run_that_gets_another_limited_tag_waits_for_that_one(plane: Rig) -> None:
    plane.pool()
    for tag in ("db", "disk"):
        plane.ok("POST", PATH, {"name": tag, "limit": 0})
    run = plane.run(plane.deployment(), tags=["db"])
    worker = plane.worker()
    plane.ok("PATCH", f"/flow_runs/{run['id']}", {"tags": ["disk"]})
    assert worker.claim() == []
    plane.ok("DELETE", f"{PATH}/disk")
    assert [grant["run"] for grant in worker.claim()] == [run["id"]]


def in_between(plane: Rig, act: Callable[[], object]) -> None:
    """Do something just before the next transaction."""

    def meddle(call: Call) -> None:
        if call.operation == "TransactWriteItems":
            plane.aws.watch = None
            act()

    plane.aws.watch = meddle


def test_of_two_that_make_a_limit_at_once_one_is_told_that_there_is_one(plane: Rig) -> None:
    in_between(plane, lambda: plane.ok("POST", PATH, {"name": "db", "limit": 1}))
    late = plane.call("POST", PATH, {"name": "db", "limit": 100})
    assert (late.status, late.body["code"]) == (409, "exists")
    assert plane.ok("GET", f"{PATH}/db")["limit"] == 1


def test_one_made_by_the_same_request_at_once_is_found(plane: Rig) -> None:
    body = {"name": "db", "limit": 1, "idempotency_key": "k"}
    in_between(plane, lambda: plane.ok("POST", PATH, body))
    late = plane.call("POST", PATH, body)
    assert (late.status, late.body["limit"]) == (200, 1)


def test_a_change_does_not_make_a_limit_again_that_was_deleted_meanwhile(plane: Rig) -> None:
    plane.ok("POST", PATH, {"name": "db", "limit": 1})
    in_between(plane, lambda: plane.ok("DELETE", f"{PATH}/db"))
    assert plane.call("PATCH", f"{PATH}/db", {"limit": 2}).status == 404
    assert plane.call("GET", f"{PATH}/db").status == 404


def test_a_run_that_others_change_when_its_limit_is_made_holds_it_with_the_next_tick(plane: Rig) -> None:
    plane.pool()
    run = plane.run(plane.deployment(tags=["db"]))
    plane.worker().claim()

    def fault(call: Call, carry: Carry) -> Any:
        return _conflict(call, carry) if len(call.params.get("TransactItems", ())) == 2 else carry()

    plane.aws.fault = fault
    assert plane.ok("POST", PATH, {"name": "db", "limit": 1})["holders"] == []
    plane.plane.tick()
    plane.aws.fault = None
    plane.plane.tick()
    assert plane.ok("GET", f"{PATH}/db")["holders"] == [run["id"]]


def test_cancel_new_where_no_slot_is_free(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment(
        concurrency_limit=1, concurrency_options={"collision_strategy": "CANCEL_NEW"}
    )
    worker = plane.worker(limit=1)
    first = plane.run(deployment)
    worker.start(worker.claim()[0])
    second, coming = plane.run(deployment), plane.run(deployment, state=due_in(plane, 60))
    plane.plane.tick()
    assert [plane.read(run)["state_name"] for run in (first, second, coming)] == [
        "Running",
        "Skipped",
        "Scheduled",
    ]
    worker.end(first["id"])
    plane.clock.forward(60)
    assert [grant["run"] for grant in worker.claim()] == [coming["id"]]


def due_in(plane: Rig, seconds: float) -> dict[str, object]:
    at = plane.clock.now + timedelta(seconds=seconds)
    return {"type": "SCHEDULED", "state_details": {"scheduled_time": at.isoformat()}}


def with_a_holder(plane: Rig) -> tuple[WorkerRig, Any]:
    """A tag's limit of one, and a worker of another pool with a run that holds it."""
    plane.pool()
    plane.pool("elsewhere")
    plane.ok("POST", PATH, {"name": "db", "limit": 1})
    holder = plane.run(plane.deployment(name="holder", work_pool_name="elsewhere", tags=["db"]))
    elsewhere = plane.worker(pool="elsewhere", name="w2")
    elsewhere.start(elsewhere.claim()[0])
    return elsewhere, holder


def asks(worker: WorkerRig, want: int) -> list[str]:
    """What a worker is granted that asks again as soon as it is told to."""
    found: list[str] = []
    while True:
        answer = worker.sync(want=want - len(found))
        found += [grant["run"] for grant in answer["granted"]]
        if answer["sync_within_seconds"] >= 1:
            return found


PUT_ASIDE: dict[str, Callable[[Rig, Any, Any], object]] = {
    "its deployment is paused": lambda plane, run, owner: plane.ok(
        "PATCH", f"/deployments/{owner['id']}", {"paused": True}
    ),
    "somebody cancels it": lambda plane, run, owner: plane.ok(
        "POST", f"/flow_runs/{run['id']}/set_state", {"state": {"type": "CANCELLED"}}
    ),
    "somebody postpones it": lambda plane, run, owner: plane.ok(
        "POST", f"/flow_runs/{run['id']}/set_state", {"state": due_in(plane, 3600), "force": True}
    ),
    "somebody deletes it": lambda plane, run, owner: plane.call("DELETE", f"/flow_runs/{run['id']}"),
}


@pytest.mark.parametrize("why", PUT_ASIDE)
def test_another_takes_the_place_of_one_that_came_out_of_the_line_and_does_not_start(
    plane: Rig, why: str
) -> None:
    elsewhere, holder = with_a_holder(plane)
    owner = plane.deployment(name="a", tags=["db"])
    first, second = plane.run(owner), plane.run(plane.deployment(name="b", tags=["db"]))
    elsewhere.end(holder["id"])
    PUT_ASIDE[why](plane, first, owner)
    assert asks(plane.worker(limit=2), 2) == [second["id"]]


def test_the_tick_does_not_count_it_either(plane: Rig) -> None:
    elsewhere, holder = with_a_holder(plane)
    owner = plane.deployment(name="a", tags=["db"])
    first, second = plane.run(owner), plane.run(plane.deployment(name="b", tags=["db"]))
    elsewhere.end(holder["id"])
    plane.ok("PATCH", f"/deployments/{owner['id']}", {"paused": True})
    plane.plane.tick()
    lane = plane.plane.ports.runs.lane("READY#pool/default", limit=9)
    assert {str(run) for run, _ in lane} == {first["id"], second["id"]}


EVERY_MINUTE = {"interval": 60, "anchor_date": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize("schedule", [{}, {"catchup": "all", "max_lateness": 90}], ids=["latest", "lateness"])
def test_occurrences_that_shall_not_run_give_way_to_the_one_that_shall(plane: Rig, schedule: Any) -> None:
    """They wait in the line of their deployment's limit, in front of it."""
    plane.pool()
    deployment = plane.deployment(
        concurrency_limit=1, schedules=[{"schedule": EVERY_MINUTE, "slug": "s", **schedule}]
    )
    worker = plane.worker(limit=4)
    holder = plane.run(deployment)
    worker.start(worker.claim()[0])
    for _ in range(5):
        plane.clock.forward(60)
        assert worker.claim(3) == []
        plane.plane.timed._occurrences.materialise(*plane.plane.timed._occurrences.due()[0])
    worker.end(holder["id"])
    (grant,) = asks(worker, 4)
    late = (
        plane.clock.now - datetime.fromisoformat(plane.read(grant)["expected_start_time"])
    ).total_seconds()
    assert late < 120
