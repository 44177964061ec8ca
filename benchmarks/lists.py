"""Every list of the API, and the tick: how many items of the table each reads.

A list is a route that ends in `filter`, or that answers with several of something. A new one that is not asked
for here ends the measurement with its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

from benchmarks.recorder import recording

PAGE = {"limit": 50}
BOUNDED = {"POST /flow_runs/filter that run": 5_251}
"""None does: a page ends with the hundred in which it comes to 1,000 runs, after 50 and ten times 100 here, each read
in one of the four parts of a day and itself; the next page goes on there."""
ALSO = (
    "GET /deployments/{deployment_id}/schedules",
    "GET /deployments/{deployment_id}/schedules/{schedule_id}/upcoming",
    "GET /deployments/{deployment_id}/schedules/{schedule_id}/verify",
    "POST /work_pools/{pool}/get_scheduled_flow_runs",
    "POST /work_queues/{queue_id}/get_runs",
)


class Ask(NamedTuple):
    """One request for a list."""

    route: str
    body: Any = None
    query: str = ""
    of: str = ""


def asks(deployment: str, run: str) -> list[Ask]:
    """All that are made. Runs, which there are many of, are asked for in several ways."""
    now = datetime.now(UTC)
    period = f"?after={quote((now - timedelta(hours=1)).isoformat())}&before={quote(now.isoformat())}"
    of_runs: Mapping[str, Mapping[str, Any]] = {
        "": {},
        " of a deployment": {"deployments": {"id": {"any_": [deployment]}}},
        " that were cancelled": {"flow_runs": {"state": {"type": {"any_": ["CANCELLED"]}}}},
        " that run": {"flow_runs": {"state": {"type": {"any_": ["RUNNING"]}}}},
    }
    runs = [Ask("POST /flow_runs/filter", {**PAGE, **body}, of=of) for of, body in of_runs.items()]
    return [
        *runs,
        *(
            Ask(f"POST /{name}/filter", PAGE)
            for name in ("work_pools", "work_queues", "flows", "deployments", "api_keys", "variables")
        ),
        Ask("POST /v2/concurrency_limits/filter", PAGE),
        Ask("POST /work_pools/{pool}/queues/filter", PAGE),
        Ask("POST /work_pools/{pool}/workers/filter", PAGE),
        Ask("POST /work_pools/{pool}/misfits/filter", PAGE),
        Ask("POST /deployments/{deployment_id}/versions/filter", PAGE),
        Ask("POST /logs/filter", {**PAGE, "logs": {"flow_run_id": {"any_": [run]}}}),
        Ask("GET /deployments/{deployment_id}/schedules"),
        Ask("GET /deployments/{deployment_id}/schedules/{schedule_id}/upcoming"),
        Ask("GET /deployments/{deployment_id}/schedules/{schedule_id}/verify", query=period),
        Ask("POST /work_pools/{pool}/get_scheduled_flow_runs", {}),
        Ask("POST /work_queues/{queue_id}/get_runs", {}),
    ]


def not_asked() -> set[str]:
    """Lists of the API that nothing here asks for."""
    from chalicelib.api.routes import LISTED

    lists = {route for routes in LISTED.values() for route in routes if route.endswith("/filter")} | {*ALSO}
    return lists - {ask.route for ask in asks("", "")}


def items_read(
    call: Callable[[str, str, Any], Any], tick: Callable[[], object], ids: Mapping[str, str]
) -> dict[str, int]:
    """Items that each list reads, and a tick. `ids` has the names that the paths need."""
    made = asks(ids["deployment_id"], ids["run_id"])
    if missing := not_asked():
        raise SystemExit(f"lists that benchmarks/lists.py does not ask for: {', '.join(sorted(missing))}")
    with recording() as bill:
        found: dict[str, int] = {}

        def count(what: str, do: Callable[[], object]) -> None:
            before = bill.items_read
            do()
            found[what] = bill.items_read - before

        tick()  # what has come due since the last one is not this one's
        count("a tick", tick)
        for ask in made:
            method, path = ask.route.split(" ")
            count(
                f"{ask.route}{ask.of}",
                lambda ask=ask, method=method, path=path: call(
                    method, path.format(**ids) + ask.query, ask.body
                ),
            )
    return found
