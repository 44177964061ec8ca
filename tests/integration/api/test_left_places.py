"""What came out of a limit's line into its queue and then goes: the next one of the line comes at once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.plane import Rig, WorkerRig
from tests.support.strict import Call


def promoted(plane: Rig) -> tuple[WorkerRig, Any, Any]:
    """A run that a limit's line let into its queue, and the one that is next in that line, of another deployment."""
    plane.pool()
    plane.ok("POST", "/v2/concurrency_limits", {"name": "db", "limit": 1})
    first, second = (plane.deployment(name=name, tags=["db"]) for name in ("first", "second"))
    holder = plane.run(second)
    worker = plane.worker(limit=2)
    worker.claim()
    worker.start(holder["id"])
    run = plane.run(first)
    plane.clock.forward(20)
    worker.sync()
    following = plane.run(second)
    worker.end(holder["id"])
    return worker, run, following


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/flow_runs/{id}/set_state", {"state": {"type": "CANCELLED"}}),
        ("POST", "/deployments/{deployment_id}/skip_late", {}),
        ("POST", "/work_pools/pool/skip_late", {}),
        ("DELETE", "/deployments/{deployment_id}?cancel_runs=true", None),
        ("PATCH", "/flow_runs/{id}", {"tags": []}),
    ],
)
def test_the_next_of_the_line_comes(plane: Rig, method: str, path: str, body: Any) -> None:
    worker, run, following = promoted(plane)
    plane.ok(method, path.format(**run), body)
    assert following["id"] in [grant["run"] for grant in worker.claim(2)]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/work_pools/pool?cancel_runs=true"),
        ("DELETE", "/work_pools/pool?move_to=other/default"),
        ("POST", "/work_pools/pool/skip_late"),
    ],
)
def test_a_run_that_somebody_deletes_at_the_same_moment_is_none_of_those_that_wait(
    plane: Rig, method: str, path: str
) -> None:
    plane.pool()
    plane.pool("other")
    deployment = plane.deployment()
    runs = [plane.run(deployment), plane.run(deployment)]
    plane.ok("PATCH", f"/deployments/{deployment['id']}", {"work_pool_name": "other"})
    plane.clock.forward(60)
    seen: list[Call] = []

    def delete(call: Call) -> None:
        if f"RUN#{runs[0]['id']}" in str(call.params) and call.operation == "BatchGetItem":
            seen.append(call)
        elif seen:
            plane.aws.watch = None
            plane.ok("DELETE", f"/flow_runs/{runs[0]['id']}")

    plane.aws.watch = delete
    plane.ok(method, path)
    assert plane.aws.watch is None
    (left,) = plane.ok("POST", "/flow_runs/filter", {})
    assert left["id"] == runs[1]["id"]
    assert (left["state_type"], left["work_pool_name"]) != ("SCHEDULED", "pool"), "it is done with, too"
