"""Answers as the control plane gives them: one of each thing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

NOW = datetime.now(UTC)
STAMP = {"created": "2026-03-01T10:00:00Z", "updated": "2026-03-01T10:00:00Z"}
POOL_ID = "5320bec0-0000-4000-8000-000000000001"
QUEUE_ID = "980ce422-0000-4000-8000-000000000002"
FLOW_ID = "8e8bc0a5-0000-4000-8000-000000000003"
DEPLOYMENT_ID = "84d28fa5-0000-4000-8000-000000000004"
SCHEDULE_ID = "4ba87905-0000-4000-8000-000000000005"
RUN_ID = "561a6547-0000-4000-8000-000000000006"
WORKER_ID = "30fb868f-0000-4000-8000-000000000007"
LIMIT_ID = "0d9c81a2-0000-4000-8000-000000000009"

POOL: dict[str, Any] = STAMP | {
    "id": POOL_ID,
    "name": "my-process-pool",
    "type": "process",
    "concurrency_limit": 4,
    "status": "READY",
    "base_job_template": {"job_configuration": {}, "variables": {}},
}
QUEUE: dict[str, Any] = STAMP | {
    "id": QUEUE_ID,
    "name": "default",
    "priority": 1,
    "work_pool_id": POOL_ID,
    "work_pool_name": "my-process-pool",
    "last_polled": (NOW + timedelta(days=1)).isoformat(),  # polled of late, however long the suite takes
}
WORKER: dict[str, Any] = STAMP | {
    "id": WORKER_ID,
    "name": "w1",
    "work_pool_id": POOL_ID,
    "last_heartbeat_time": (NOW - timedelta(seconds=7)).isoformat(),
    "status": "ONLINE",
    "work_queues": ["default"],
    "limit": 3,
    "host": "mill",
}
FLOW: dict[str, Any] = STAMP | {"id": FLOW_ID, "name": "hello", "tags": ["a", "b"]}
SCHEMA = {
    "type": "object",
    "properties": {
        "x": {"type": "integer"},
        "word": {"type": "string"},
        "maybe": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "either": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
    },
}
SCHEDULE: dict[str, Any] = STAMP | {
    "id": SCHEDULE_ID,
    "deployment_id": DEPLOYMENT_ID,
    "slug": "nightly",
    "schedule": {"cron": "0 4 * * *", "timezone": "Europe/Berlin"},
    "next_due": "2026-03-02T03:00:00Z",
}
DEPLOYMENT: dict[str, Any] = STAMP | {
    "id": DEPLOYMENT_ID,
    "name": "first",
    "flow_id": FLOW_ID,
    "flow_name": "hello",
    "work_pool_name": "my-process-pool",
    "work_queue_name": "default",
    "entrypoint": "flows.py:hello",
    "parameter_openapi_schema": SCHEMA,
    "schedules": [SCHEDULE],
    "tags": ["etl"],
    "status": "READY",
}


def state(type_: str, name: str | None = None, **members: Any) -> dict[str, Any]:
    """A state of a run."""
    return {
        "id": str(uuid5(UUID(RUN_ID), f"{type_} {name}")),
        "type": type_,
        "name": name or type_.capitalize(),
        "timestamp": "2026-03-01T10:00:01Z",
    } | members


def run(type_: str = "COMPLETED", name: str | None = None, **members: Any) -> dict[str, Any]:
    """A run in a state."""
    current = state(type_, name)
    over = (
        {"end_time": "2026-03-01T10:00:03Z", "total_run_time": 2.0}
        if type_ in ("COMPLETED", "FAILED")
        else {}
    )
    return (
        STAMP
        | {
            "id": RUN_ID,
            "name": "brave-otter",
            "flow_id": FLOW_ID,
            "flow_name": "hello",
            "deployment_id": DEPLOYMENT_ID,
            "deployment_name": "first",
            "work_pool_name": "my-process-pool",
            "work_queue_name": "default",
            "expected_start_time": "2026-03-01T10:00:00Z",
            "start_time": "2026-03-01T10:00:01Z",
            "parameters": {"x": 1},
            "state_id": current["id"],
            "state_type": type_,
            "state_name": current["name"],
            "state": current,
        }
        | over
        | members
    )


def log(number: int, message: str, level: int = 20) -> dict[str, Any]:
    """A log record."""
    return STAMP | {
        "id": f"aaaaaaaa-0000-4000-8000-{number:012d}",
        "name": "headrace.flow_runs",
        "level": level,
        "message": message,
        "timestamp": "2026-03-01T10:00:02Z",
        "flow_run_id": RUN_ID,
    }


LIMIT: dict[str, Any] = {
    "id": LIMIT_ID,
    "name": "tag:db",
    "kind": "tag",
    "subject": "db",
    "limit": 3,
    "active_slots": 1,
    "holders": [RUN_ID],
}
VARIABLE = STAMP | {"id": LIMIT_ID, "name": "rows", "value": [1, "a"], "tags": ["t"]}
ACCEPTED = {"status": "ACCEPT", "state": state("CANCELLING"), "details": {}}
WHY = {"code": "queue_paused", "reason": "The queue 'default' is paused since 10:00."}
OCCURRENCE = {"due": "2026-03-02T03:00:00Z", "schedule_slug": "nightly"}
VERSION: dict[str, Any] = {
    "deployment_id": DEPLOYMENT_ID,
    "number": 1,
    "created": "2026-03-01T10:00:00Z",
    "version": "1.0",
    "commit": "0123456789abcdef0123456789abcdef01234567",
    "created_by": "ana@laptop",
    "changed": [
        "parameters.x",
        "pull_steps.0.headrace.deployments.steps.git_clone.commit",
        "tags",
        "timeout_seconds",
        "version",
    ],
}
DIFF: dict[str, Any] = {
    "number": 1,
    "to": 2,
    "changes": [
        {"path": "parameters.x", "kind": "changed", "before": 1, "after": 2},
        {"path": "schedules.nightly", "kind": "removed", "before": {"jitter": 0}},
        {"path": "tags", "kind": "added", "after": ["t"]},
    ],
}
TEMPLATES = {
    "headrace": {"process": {"type": "process", "default_base_job_configuration": {"variables": {}}}}
}

POOLS, QUEUES, RUNS = "/work_pools/[^/]+", "/work_queues/[^/]+", "/flow_runs/[^/]+"
DEPLOYMENTS = f"/deployments/{DEPLOYMENT_ID}"

ROUTES: list[tuple[str, str, Any, int]] = [
    ("POST", "/work_pools/", POOL, 201),
    ("POST", "/work_pools/filter", [POOL], 200),
    ("GET", "/work_pools/my-process-pool", POOL, 200),
    ("PATCH", "/work_pools/my-process-pool", None, 204),
    ("DELETE", "/work_pools/my-process-pool", None, 204),
    ("POST", f"{POOLS}/skip_late", {"skipped": 2}, 200),
    ("POST", f"{POOLS}/misfits/filter", [], 200),
    ("POST", f"{POOLS}/queues", QUEUE, 201),
    ("POST", f"{POOLS}/queues/filter", [QUEUE], 200),
    ("GET", "/work_pools/my-process-pool/queues/default", QUEUE, 200),
    ("POST", "/work_queues/filter", [QUEUE], 200),
    ("GET", f"/work_queues/{QUEUE_ID}", QUEUE, 200),
    ("PATCH", QUEUES, None, 204),
    ("DELETE", QUEUES, None, 204),
    ("POST", f"{POOLS}/workers/filter", [WORKER], 200),
    ("POST", f"{POOLS}/workers/[^/]+/drain", WORKER, 200),
    ("POST", "/flows/", FLOW, 201),
    ("POST", "/flows/filter", [FLOW], 200),
    ("POST", "/deployments/", DEPLOYMENT, 201),
    ("POST", "/deployments/filter", [DEPLOYMENT], 200),
    ("POST", "/deployments/check", [], 200),
    ("GET", DEPLOYMENTS, DEPLOYMENT, 200),
    ("GET", "/deployments/name/hello/first", DEPLOYMENT, 200),
    ("PATCH", DEPLOYMENTS, None, 204),
    ("DELETE", DEPLOYMENTS, None, 204),
    ("POST", f"{DEPLOYMENTS}/skip_late", {"skipped": 2}, 200),
    ("POST", f"{DEPLOYMENTS}/create_flow_run", run("SCHEDULED"), 201),
    ("GET", f"{DEPLOYMENTS}/schedules", [SCHEDULE], 200),
    ("POST", f"{DEPLOYMENTS}/schedules", [SCHEDULE], 201),
    ("PATCH", f"{DEPLOYMENTS}/schedules/{SCHEDULE_ID}", None, 204),
    ("DELETE", f"{DEPLOYMENTS}/schedules/{SCHEDULE_ID}", None, 204),
    ("GET", f"{DEPLOYMENTS}/schedules/{SCHEDULE_ID}/upcoming", [OCCURRENCE], 200),
    ("GET", f"{DEPLOYMENTS}/schedules/{SCHEDULE_ID}/verify", [OCCURRENCE | {"flow_run_id": RUN_ID}], 200),
    ("POST", f"{DEPLOYMENTS}/versions/filter", [VERSION | {"number": 2, "rolled_back_to": 1}, VERSION], 200),
    ("GET", f"{DEPLOYMENTS}/versions/[0-9]+", VERSION | {"definition": {}}, 200),
    ("GET", f"{DEPLOYMENTS}/versions/[0-9]+/diff", DIFF, 200),
    ("POST", f"{DEPLOYMENTS}/rollback", DEPLOYMENT, 201),
    ("POST", f"{DEPLOYMENTS}/pin", DEPLOYMENT | {"pinned": True}, 200),
    ("POST", f"{DEPLOYMENTS}/unpin", DEPLOYMENT, 200),
    ("POST", "/flow_runs/filter", [run()], 200),
    ("GET", f"/flow_runs/{RUN_ID}", run(), 200),
    ("DELETE", f"/flow_runs/{RUN_ID}", None, 204),
    ("POST", f"/flow_runs/{RUN_ID}/set_state", ACCEPTED, 201),
    ("GET", f"{RUNS}/why", WHY, 200),
    ("POST", "/logs/filter", [log(1, "first line"), log(2, "second line", 30)], 200),
    ("POST", "/v2/concurrency_limits/", LIMIT, 201),
    ("PATCH", "/v2/concurrency_limits/db", None, 204),
    ("POST", "/v2/concurrency_limits/filter", [LIMIT], 200),
    ("GET", "/v2/concurrency_limits/db", LIMIT, 200),
    ("DELETE", "/v2/concurrency_limits/db", None, 204),
    ("POST", "/variables/", VARIABLE, 201),
    ("PATCH", "/variables/name/rows", None, 204),
    ("POST", "/variables/filter", [VARIABLE], 200),
    ("GET", "/variables/name/rows", VARIABLE, 200),
    ("DELETE", "/variables/name/rows", None, 204),
    ("GET", "/collections/views/aggregate-worker-metadata", TEMPLATES, 200),
]
