"""The fields of each answer that Prefect's client reads: there, and of the right type."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from tests.support.plane import Rig, rig


def uuid(value: Any) -> bool:
    return isinstance(value, str) and str(UUID(value)) == value


def time(value: Any) -> bool:
    return isinstance(value, str) and value.endswith("Z") and datetime.fromisoformat(value).tzinfo is not None


def text(value: Any) -> bool:
    return isinstance(value, str)


def number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def truth(value: Any) -> bool:
    return isinstance(value, bool)


def thing(value: Any) -> bool:
    return isinstance(value, dict)


def row(value: Any) -> bool:
    return isinstance(value, list)


def maybe(kind: Any) -> Any:
    return lambda value: value is None or kind(value)


STAMPS = {"id": uuid, "created": time, "updated": time}
STATE = {
    "id": uuid,
    "type": text,
    "name": text,
    "timestamp": time,
    "message": maybe(text),
    "state_details": thing,
}
RUN = {
    **STAMPS,
    "name": text,
    "flow_id": uuid,
    "deployment_id": maybe(uuid),
    "work_pool_id": maybe(uuid),
    "work_pool_name": maybe(text),
    "work_queue_id": maybe(uuid),
    "work_queue_name": maybe(text),
    "parameters": thing,
    "tags": row,
    "labels": thing,
    "job_variables": thing,
    "run_count": number,
    "empirical_policy": thing,
    "expected_start_time": time,
    "next_scheduled_start_time": maybe(time),
    "start_time": maybe(time),
    "end_time": maybe(time),
    "total_run_time": number,
    "auto_scheduled": truth,
    "infrastructure_pid": maybe(text),
    "state_id": uuid,
    "state_type": text,
    "state_name": text,
    "state": thing,
}
POOL = {
    **STAMPS,
    "name": text,
    "type": text,
    "base_job_template": thing,
    "is_paused": truth,
    "concurrency_limit": maybe(number),
    "status": text,
    "default_queue_id": uuid,
}
QUEUE = {
    **STAMPS,
    "name": text,
    "priority": number,
    "is_paused": truth,
    "work_pool_id": uuid,
    "work_pool_name": text,
    "last_polled": maybe(time),
    "status": text,
}
DEPLOYMENT = {
    **STAMPS,
    "name": text,
    "flow_id": uuid,
    "entrypoint": text,
    "pull_steps": maybe(row),
    "job_variables": thing,
    "schedules": row,
    "tags": row,
    "parameters": thing,
    "parameter_openapi_schema": maybe(thing),
    "enforce_parameter_schema": truth,
    "paused": truth,
    "work_pool_name": text,
    "work_queue_name": text,
    "work_queue_id": uuid,
    "status": text,
    "labels": thing,
}
SCHEDULE = {
    **STAMPS,
    "deployment_id": uuid,
    "active": truth,
    "parameters": thing,
    "slug": text,
    "schedule": thing,
}
WORKER = {
    **STAMPS,
    "name": text,
    "work_pool_id": uuid,
    "last_heartbeat_time": time,
    "heartbeat_interval_seconds": maybe(number),
    "status": text,
}
LOG = {**STAMPS, "name": text, "level": number, "message": text, "timestamp": time, "flow_run_id": uuid}
LIMIT = {"id": uuid, "name": text, "limit": number, "active_slots": number, "active": truth}


def check(value: Any, shape: dict[str, Any]) -> None:
    wrong = {
        name: value.get(name, "missing") for name, kind in shape.items() if not kind(value.get(name, ...))
    }
    assert wrong == {}


@pytest.fixture(scope="module")
def made() -> Iterator[tuple[Rig, Any, Any]]:
    """A rig, a deployment and a finished run of it."""
    with rig() as plane:
        plane.pool()
        schedules = [
            {"schedule": {"cron": "0 4 * * *"}},
            {"schedule": {"interval": 3600, "timezone": None}},
            {"schedule": {"rrule": "FREQ=DAILY"}},
        ]
        deployment = plane.deployment(schedules=schedules, tags=["db"], concurrency_limit=1)
        run = plane.run(deployment)
        worker = plane.worker()
        (grant,) = worker.claim()
        worker.start(grant)
        plane.clock.forward(1)
        worker.end(grant)
        yield plane, deployment, run


@pytest.mark.parametrize("state", ["as made", "as ended", "as listed"])
def test_a_run(made: tuple[Rig, Any, Any], state: str) -> None:
    plane, _, run = made
    listed = {"flow_runs": {"id": {"any_": [run["id"]]}}}
    shown = {
        "as made": lambda: run,
        "as ended": lambda: plane.read(run),
        "as listed": lambda: plane.ok("POST", "/flow_runs/filter", listed)[0],
    }[state]()
    check(shown, RUN)
    check(shown["state"], STATE)
    for past in shown["state_history"]:
        check(past, STATE)
    assert (shown["state_id"], shown["state_type"]) == (shown["state"]["id"], shown["state"]["type"])
    ids = [past["id"] for past in (*shown["state_history"], shown["state"])]
    assert len(set(ids)) == len(ids)


def test_a_run_that_waits_in_a_pool(made: tuple[Rig, Any, Any]) -> None:
    plane, deployment, _ = made
    plane.run(deployment)
    (waiting, *_) = plane.ok("POST", "/work_pools/pool/get_scheduled_flow_runs", {})
    check(waiting, {"work_pool_id": uuid, "work_queue_id": uuid, "flow_run": thing})
    check(waiting["flow_run"], RUN)


def test_a_deployment_and_its_schedules(made: tuple[Rig, Any, Any]) -> None:
    plane, deployment, _ = made
    by_name = plane.ok("GET", "/deployments/name/flow/main")
    (listed,) = plane.ok("POST", "/deployments/filter", {})
    for shown in (deployment, by_name, listed):
        check(shown, DEPLOYMENT)
        assert shown["id"] == deployment["id"]
    kinds = {"cron": {"cron", "timezone", "day_or"}, "interval": {"interval", "anchor_date", "timezone"}}
    for schedule in by_name["schedules"]:
        check(schedule, SCHEDULE)
        kind = next(iter(schedule["schedule"]))
        assert set(schedule["schedule"]) == kinds.get(kind, {"rrule", "timezone"}), "others are refused there"
        assert len(schedule["slug"]) > 0


def test_pools_queues_flows_workers_and_limits(made: tuple[Rig, Any, Any]) -> None:
    plane, deployment, _ = made
    check(plane.ok("GET", "/work_pools/pool"), POOL)
    check(plane.ok("POST", "/work_pools/filter", {})[0], POOL)
    check(plane.ok("GET", "/work_pools/pool/queues/default"), QUEUE)
    check(plane.ok("POST", "/work_queues/filter", {})[0], QUEUE)
    check(
        plane.ok("GET", f"/flows/{deployment['flow_id']}"),
        {**STAMPS, "name": text, "tags": row, "labels": thing},
    )
    check(plane.ok("POST", "/work_pools/pool/workers/filter", {})[0], WORKER)
    check(plane.ok("POST", "/v2/concurrency_limits/filter", {})[0], LIMIT)


def test_a_log_record(made: tuple[Rig, Any, Any]) -> None:
    plane, _, run = made
    sent = {
        "name": "prefect.task_runs",
        "level": 20,
        "message": "adding 3 2",
        "timestamp": "2026-11-22T17:08:19.199979Z",
        "flow_run_id": run["id"],
        "task_run_id": "01a2043a-0000-4000-8000-000000000000",
        "worker_id": None,
    }
    plane.ok("POST", "/logs/", [sent])
    (read,) = plane.ok("POST", "/logs/filter", {"logs": {"flow_run_id": {"any_": [run["id"]]}}})
    check(read, LOG)
    assert {name: read[name] for name in sent if name != "worker_id"} == {
        name: value for name, value in sent.items() if name != "worker_id"
    }


def test_an_answer_to_a_proposal(made: tuple[Rig, Any, Any]) -> None:
    plane, _, run = made
    reply = plane.ok(
        "POST", f"/flow_runs/{run['id']}/set_state", {"state": {"type": "RUNNING"}, "force": False}
    )
    check(reply, {"status": text, "state": thing, "details": thing})
    check(reply["state"], STATE)


def test_what_the_system_says_of_itself(made: tuple[Rig, Any, Any]) -> None:
    plane, *_ = made
    assert plane.ok("GET", "/health") is True
    check(plane.ok("GET", "/version"), {"version": text, "stage": text})
    types = plane.ok("GET", "/collections/views/aggregate-worker-metadata")
    check(types["headrace"]["process"], {"type": text, "default_base_job_configuration": thing})
