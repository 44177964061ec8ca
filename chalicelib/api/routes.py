"""Every route, by the module of this folder that answers it.

A module is imported at the first request for one of its routes: its models cost tens of milliseconds, and a
Lambda process often serves one kind of request alone. API Gateway and Chalice must know all routes at the start,
so they are listed here. `endpoint` refuses to declare one that is not, and a test finds one that nobody declares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from chalice.app import Chalice, Response

from headrace.contract.media import GZIP, JSON, PACKED

if TYPE_CHECKING:
    from chalicelib.api.endpoint import Route
    from chalicelib.services.control_plane import ControlPlane

PREFIX = "/api"
COMPRESSED = frozenset(
    {
        "POST /work_pools/{pool}/workers/{worker}/sync",
        "POST /work_pools/{pool}/workers/{worker}/create_flow_run",
        "POST /deployments/{deployment_id}/create_flow_run",
        "POST /deployments/{deployment_id}/create_flow_runs",
    }
)
"""Routes whose body may come as GZIP, at a path beside: API Gateway hands on a binary type as it came."""
LISTED: Mapping[str, Sequence[str]] = {
    "system": (
        "GET /health",
        "GET /version",
        "GET /collections/views/{view}",
        "GET /openapi.json",
    ),
    "work_pools": (
        "POST /work_pools",
        "GET /work_pools/{pool}",
        "PATCH /work_pools/{pool}",
        "DELETE /work_pools/{pool}",
        "POST /work_pools/filter",
        "POST /work_pools/{pool}/get_scheduled_flow_runs",
        "POST /work_pools/{pool}/concurrency_status",
        "POST /work_pools/{pool}/skip_late",
        "POST /work_pools/{pool}/misfits/filter",
    ),
    "work_queues": (
        "POST /work_pools/{pool}/queues",
        "GET /work_pools/{pool}/queues/{name}",
        "GET /work_queues/{queue_id}",
        "PATCH /work_queues/{queue_id}",
        "DELETE /work_queues/{queue_id}",
        "POST /work_pools/{pool}/queues/filter",
        "POST /work_queues/filter",
        "GET /work_queues/{queue_id}/status",
        "POST /work_queues/{queue_id}/get_runs",
        "POST /work_queues/{queue_id}/concurrency_status",
    ),
    "workers": (
        "POST /work_pools/{pool}/workers/{worker}/sessions",
        "DELETE /work_pools/{pool}/workers/{worker}/sessions/{session_id}",
        "POST /work_pools/{pool}/workers/{worker}/sync",
        "POST /work_pools/{pool}/workers/{worker}/credentials",
        "POST /work_pools/{pool}/workers/{worker}/drain",
        "POST /work_pools/{pool}/workers/filter",
        "POST /work_pools/{pool}/workers/heartbeat",
    ),
    "flows": (
        "POST /flows",
        "GET /flows/{flow_id}",
        "POST /flows/filter",
    ),
    "deployments": (
        "POST /deployments",
        "GET /deployments/{deployment_id}",
        "PATCH /deployments/{deployment_id}",
        "DELETE /deployments/{deployment_id}",
        "GET /deployments/name/{flow}/{name}",
        "POST /deployments/filter",
        "POST /deployments/check",
        "POST /deployments/{deployment_id}/create_flow_run",
        "POST /deployments/{deployment_id}/skip_late",
    ),
    "bulk": ("POST /deployments/{deployment_id}/create_flow_runs",),
    "versions": (
        "POST /deployments/{deployment_id}/versions/filter",
        "GET /deployments/{deployment_id}/versions/{number}",
        "GET /deployments/{deployment_id}/versions/{number}/diff",
        "POST /deployments/{deployment_id}/rollback",
        "POST /deployments/{deployment_id}/pin",
        "POST /deployments/{deployment_id}/unpin",
    ),
    "schedules": (
        "GET /deployments/{deployment_id}/schedules",
        "POST /deployments/{deployment_id}/schedules",
        "PATCH /deployments/{deployment_id}/schedules/{schedule_id}",
        "DELETE /deployments/{deployment_id}/schedules/{schedule_id}",
        "GET /deployments/{deployment_id}/schedules/{schedule_id}/upcoming",
        "GET /deployments/{deployment_id}/schedules/{schedule_id}/verify",
        "POST /schedules/preview",
    ),
    "flow_runs": (
        "POST /flow_runs",
        "GET /flow_runs/{run_id}",
        "PATCH /flow_runs/{run_id}",
        "PATCH /flow_runs/{run_id}/labels",
        "DELETE /flow_runs/{run_id}",
        "POST /flow_runs/{run_id}/set_state",
        "POST /flow_runs/filter",
        "GET /flow_runs/{run_id}/why",
    ),
    "logs": (
        "POST /logs",
        "POST /logs/filter",
    ),
    "limits": (
        "POST /v2/concurrency_limits",
        "GET /v2/concurrency_limits/{name}",
        "PATCH /v2/concurrency_limits/{name}",
        "DELETE /v2/concurrency_limits/{name}",
        "POST /v2/concurrency_limits/filter",
    ),
    "bundles": (
        "POST /bundles",
        "GET /bundles/{digest}",
    ),
    "api_keys": (
        "POST /api_keys",
        "GET /api_keys/{key_id}",
        "DELETE /api_keys/{key_id}",
        "POST /api_keys/filter",
        "GET /me",
    ),
    "variables": (
        "POST /variables",
        "GET /variables/{variable_id}",
        "GET /variables/name/{name}",
        "PATCH /variables/name/{name}",
        "DELETE /variables/name/{name}",
        "POST /variables/filter",
    ),
    "children": (
        "POST /work_pools/{pool}/workers/{worker}/create_flow_run",
        "GET /work_pools/{pool}/workers/{worker}/flow_runs/{run_id}",
    ),
}
_source: list[Callable[[], ControlPlane]] = []


def serve(source: Callable[[], ControlPlane]) -> None:
    """Have the routes call these use cases; `app.py` says which."""
    _source[:] = [source]


def control_plane() -> ControlPlane:
    """The use cases that the routes call."""
    return _source[0]()


def register(app: Chalice) -> None:
    """Tell Chalice of all routes."""
    app.api.binary_types.append(GZIP)
    for module, routes in LISTED.items():
        for route in routes:
            method, path = route.split(" ")
            places = {path: JSON} | ({path + PACKED: GZIP} if route in COMPRESSED else {})
            for place, kind in places.items():
                name = f"{module}: {method} {place}"
                here = app.route(PREFIX + place, methods=[method], name=name, content_types=[kind])
                here(_view(app, module, route))


def checked(module: str, method: str, path: str) -> str:
    """The route as it is listed. Raises `LookupError` for one that would never be called."""
    name, route = module.rpartition(".")[2], f"{method} {path}"
    if route not in LISTED.get(name, ()):
        raise LookupError(f"List {route!r} under {name!r} in chalicelib/api/routes.py.")
    return route


def declared() -> Sequence[Route]:
    """All routes as they are declared. Imports every module."""
    from chalicelib.api.endpoint import ROUTES

    for module in LISTED:
        _load(module)
    return ROUTES


def _view(app: Chalice, module: str, route: str) -> Callable[..., Response]:
    def view(**given: str) -> Response:
        _load(module)
        from chalicelib.api.endpoint import VIEWS

        return VIEWS[route](app.current_request, given)  # type: ignore[arg-type]  # a view has a request

    return view


def _load(module: str) -> None:
    import_module(f"chalicelib.api.{module}")
