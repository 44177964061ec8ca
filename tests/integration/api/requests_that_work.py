"""For every route one request that works: what the bad inputs are derived from, so that only one thing is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SCHEDULE = {"schedule": {"interval": 3600}, "slug": "hourly"}
LOG = {
    "name": "log",
    "level": 20,
    "message": "hello",
    "timestamp": "2026-03-02T12:00:00Z",
    "flow_run_id": "<run>",
}
REPORT = {
    "run": "<running>",
    "attempt": 1,
    "seq": 9,
    "kind": "ended",
    "at": "2026-03-02T12:00:01Z",
    "state_type": "COMPLETED",
}
SYNC = {
    "session": "<session>",
    "seq": 50,
    "slots": 3,
    "want": 0,
    "held": [{"run": "<running>", "attempt": 1}],
}


@dataclass(frozen=True)
class Good:
    """A request that works; `<name>` stands for an id of the scene."""

    path: str
    body: Any = None
    status: int = 200


_D, _R, _Q = "/deployments/<deployment>", "/flow_runs/<run>", "/work_queues/<queue>"
_S = f"{_D}/schedules/<schedule>"
_W = "/work_pools/pool/workers"
GOOD: dict[str, Good] = {
    "GET /health": Good("/health"),
    "GET /version": Good("/version"),
    "GET /collections/views/{view}": Good("/collections/views/aggregate-worker-metadata"),
    "POST /work_pools": Good("/work_pools", {"name": "fresh"}, 201),
    "GET /work_pools/{pool}": Good("/work_pools/pool"),
    "PATCH /work_pools/{pool}": Good("/work_pools/pool", {"description": "d"}, 204),
    "POST /work_pools/filter": Good("/work_pools/filter", {}),
    "POST /work_pools/{pool}/get_scheduled_flow_runs": Good("/work_pools/pool/get_scheduled_flow_runs", {}),
    "POST /work_pools/{pool}/misfits/filter": Good("/work_pools/pool/misfits/filter", {}),
    "POST /work_pools/{pool}/concurrency_status": Good("/work_pools/pool/concurrency_status", {}),
    "POST /work_pools/{pool}/queues": Good("/work_pools/pool/queues", {"name": "fresh"}, 201),
    "GET /work_pools/{pool}/queues/{name}": Good("/work_pools/pool/queues/second"),
    "POST /work_pools/{pool}/queues/filter": Good("/work_pools/pool/queues/filter", {}),
    "POST /work_queues/filter": Good("/work_queues/filter", {}),
    "GET /work_queues/{queue_id}": Good(_Q),
    "PATCH /work_queues/{queue_id}": Good(_Q, {"priority": 7}, 204),
    "GET /work_queues/{queue_id}/status": Good(f"{_Q}/status"),
    "POST /work_queues/{queue_id}/get_runs": Good(f"{_Q}/get_runs", {}),
    "POST /work_queues/{queue_id}/concurrency_status": Good(f"{_Q}/concurrency_status", {}),
    "POST /work_pools/{pool}/workers/{worker}/sessions": Good(
        f"{_W}/w2/sessions", {"session": "<new>", "info": {"host": "h"}}, 201
    ),
    "POST /work_pools/{pool}/workers/{worker}/sync": Good(f"{_W}/w1/sync", SYNC),
    "POST /work_pools/{pool}/workers/{worker}/create_flow_run": Good(
        f"{_W}/w1/create_flow_run",
        {"session": "<session>", "run": "<running>", "attempt": 1, "deployment": "flow/main", "call": "c0"},
        201,
    ),
    "GET /work_pools/{pool}/workers/{worker}/flow_runs/{run_id}": Good(
        f"{_W}/w1/flow_runs/<run>?session=<session>"
    ),
    "POST /work_pools/{pool}/workers/filter": Good(f"{_W}/filter", {}),
    "POST /work_pools/{pool}/workers/heartbeat": Good(f"{_W}/heartbeat", {"name": "w3"}, 204),
    "POST /flows": Good("/flows", {"name": "fresh"}, 201),
    "GET /flows/{flow_id}": Good("/flows/<flow>"),
    "POST /flows/filter": Good("/flows/filter", {}),
    "POST /deployments": Good(
        "/deployments",
        {"name": "fresh", "flow_id": "<flow>", "work_pool_name": "pool", "entrypoint": "f.py:f"},
        201,
    ),
    "GET /deployments/{deployment_id}": Good(_D),
    "GET /deployments/name/{flow}/{name}": Good("/deployments/name/flow/main"),
    "PATCH /deployments/{deployment_id}": Good(_D, {"description": "d"}, 204),
    "POST /deployments/check": Good(
        "/deployments/check",
        {"deployments": [{"name": "fresh", "flow_id": "<flow>", "work_pool_name": "pool"}]},
    ),
    "POST /deployments/filter": Good("/deployments/filter", {}),
    "POST /deployments/{deployment_id}/create_flow_run": Good(
        f"{_D}/create_flow_run", {"parameters": {"x": 3}}, 201
    ),
    "POST /deployments/{deployment_id}/create_flow_runs": Good(
        f"{_D}/create_flow_runs", {"flow_runs": [{"parameters": {"x": 3}}, {}], "idempotency_key": "k"}, 201
    ),
    "POST /deployments/{deployment_id}/versions/filter": Good(f"{_D}/versions/filter", {}),
    "GET /deployments/{deployment_id}/versions/{number}": Good(f"{_D}/versions/1"),
    "GET /deployments/{deployment_id}/versions/{number}/diff": Good(f"{_D}/versions/1/diff"),
    "POST /deployments/{deployment_id}/pin": Good(f"{_D}/pin", {"version": 1}),
    "POST /deployments/{deployment_id}/unpin": Good(f"{_D}/unpin"),
    "POST /deployments/{deployment_id}/rollback": Good(f"{_D}/rollback", {"version": 1}, 201),
    "GET /deployments/{deployment_id}/schedules": Good(f"{_D}/schedules"),
    "POST /deployments/{deployment_id}/schedules": Good(f"{_D}/schedules", [SCHEDULE], 201),
    "PATCH /deployments/{deployment_id}/schedules/{schedule_id}": Good(_S, {"active": False}, 204),
    "GET /deployments/{deployment_id}/schedules/{schedule_id}/upcoming": Good(f"{_S}/upcoming"),
    "GET /deployments/{deployment_id}/schedules/{schedule_id}/verify": Good(f"{_S}/verify"),
    "POST /schedules/preview": Good("/schedules/preview", {"schedule": {"cron": "0 4 * * *"}}),
    "POST /flow_runs": Good("/flow_runs", {"flow_id": "<flow>"}, 201),
    "GET /flow_runs/{run_id}": Good(_R),
    "PATCH /flow_runs/{run_id}": Good(_R, {"name": "other"}, 204),
    "PATCH /flow_runs/{run_id}/labels": Good(f"{_R}/labels", {"team": "data"}, 204),
    "POST /flow_runs/{run_id}/set_state": Good(
        f"{_R}/set_state", {"state": {"type": "SCHEDULED", "name": "Later"}}, 201
    ),
    "POST /flow_runs/filter": Good("/flow_runs/filter", {}),
    "GET /flow_runs/{run_id}/why": Good(f"{_R}/why"),
    "POST /logs": Good("/logs", [LOG], 201),
    "POST /logs/filter": Good("/logs/filter", {"logs": {"flow_run_id": {"any_": ["<run>"]}}}),
    "POST /v2/concurrency_limits": Good("/v2/concurrency_limits", {"name": "fresh", "limit": 1}, 201),
    "GET /v2/concurrency_limits/{name}": Good("/v2/concurrency_limits/db"),
    "PATCH /v2/concurrency_limits/{name}": Good("/v2/concurrency_limits/db", {"limit": 4}, 204),
    "POST /v2/concurrency_limits/filter": Good("/v2/concurrency_limits/filter", {}),
    "POST /deployments/{deployment_id}/skip_late": Good(f"{_D}/skip_late"),
    "POST /work_pools/{pool}/skip_late": Good("/work_pools/pool/skip_late"),
    "POST /bundles": Good("/bundles", {"digest": f"sha256:{'0' * 64}", "size": 10}),
    "GET /bundles/{digest}": Good("/bundles/<bundle>"),
    "POST /api_keys": Good("/api_keys", {"name": "fresh", "role": "worker", "work_pool_name": "pool"}, 201),
    "GET /api_keys/{key_id}": Good("/api_keys/<key>"),
    "POST /api_keys/filter": Good("/api_keys/filter", {}),
    "GET /me": Good("/me"),
    "POST /work_pools/{pool}/workers/{worker}/drain": Good(f"{_W}/w1/drain"),
    "POST /work_pools/{pool}/workers/{worker}/credentials": Good(f"{_W}/w1/credentials", status=201),
    "POST /variables": Good("/variables", {"name": "fresh", "value": [1, {"a": None}]}, 201),
    "GET /variables/{variable_id}": Good("/variables/<variable>"),
    "GET /variables/name/{name}": Good("/variables/name/rows"),
    "PATCH /variables/name/{name}": Good("/variables/name/rows", {"value": 8}, 204),
    "POST /variables/filter": Good("/variables/filter", {}),
    # What deletes comes last, innermost first.
    "DELETE /api_keys/{key_id}": Good("/api_keys/<key>", status=204),
    "DELETE /deployments/{deployment_id}/schedules/{schedule_id}": Good(_S, status=204),
    "DELETE /variables/name/{name}": Good("/variables/name/rows", status=204),
    "DELETE /flow_runs/{run_id}": Good(_R, status=204),
    "DELETE /v2/concurrency_limits/{name}": Good("/v2/concurrency_limits/db", status=204),
    "DELETE /work_queues/{queue_id}": Good(f"{_Q}?cancel_runs=true", status=204),
    "DELETE /deployments/{deployment_id}": Good(f"{_D}?cancel_runs=true", status=204),
    "DELETE /work_pools/{pool}/workers/{worker}/sessions/{session_id}": Good(
        f"{_W}/w1/sessions/<session>", status=204
    ),
    "DELETE /work_pools/{pool}": Good("/work_pools/other-with-runs?cancel_runs=true", status=204),
}
