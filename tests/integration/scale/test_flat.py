"""What a page of a list or a tick reads does not grow with the runs that are over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from benchmarks.recorder import recording
from chalicelib.domain.names import new_run_id
from chalicelib.storage.runs import SHARDS
from tests.support.plane import Rig, rig

READS: dict[str, Callable[[Rig, Any], object]] = {
    "all": lambda plane, deployment: plane.ok("POST", "/flow_runs/filter", {"limit": 2}),
    "of a deployment": lambda plane, deployment: plane.ok(
        "POST",
        "/flow_runs/filter",
        {"limit": 1, "flow_runs": {"deployment_id": {"any_": [deployment["id"]]}}},
    ),
    "of a flow": lambda plane, deployment: plane.ok(
        "POST", "/flow_runs/filter", {"limit": 5, "flows": {"name": {"any_": ["flow"]}}}
    ),
    "why": lambda plane, deployment: plane.ok("GET", f"/flow_runs/{deployment['run']}/why"),
    "tick": lambda plane, deployment: plane.plane.tick(),
}


def read_items(plane: Rig, deployment: Any) -> dict[str, int]:
    found = {}
    for name, read in READS.items():
        with recording() as bill:
            read(plane, deployment)
        found[name] = bill.items_read
    return found


def finish(plane: Rig, pattern: UUID, count: int) -> None:
    """So many more runs that are over, the same number in each shard of their day."""
    run = plane.plane.ports.runs.require(pattern)
    for index in range(count):
        when = plane.clock.now - timedelta(seconds=index)
        identity = UUID(int=new_run_id().int // SHARDS * SHARDS + index % SHARDS)
        assert plane.plane.ports.runs.create(replace(run, id=identity, due=when, listed_at=when))


@pytest.fixture
def plane() -> Any:
    with rig() as made:
        yield made


def test_nothing_is_read_in_proportion_to_what_is_over(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment(schedules=[{"schedule": {"cron": "0 4 * * *"}, "slug": "s"}])
    worker = plane.worker()
    plane.run(deployment)
    (grant,) = worker.claim()
    worker.start(grant)
    worker.end(grant)
    deployment["run"] = grant["run"]
    plane.plane.tick()
    finish(plane, UUID(grant["run"]), 11)
    few = read_items(plane, deployment)
    finish(plane, UUID(grant["run"]), 488)
    assert read_items(plane, deployment) == few
    assert few["of a deployment"] < 10, "one run was asked for"
