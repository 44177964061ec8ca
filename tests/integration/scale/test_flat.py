"""What a page of a list or a tick reads does not grow with the runs that are over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from benchmarks.recorder import recording
from chalicelib.services.ports import new_id
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


def finish(plane: Rig, pattern: UUID, count: int, ago: float = 0) -> None:
    """So many more runs like this one that is over, so long ago, the same number in each shard of their day."""
    run = plane.plane.ports.runs.require(pattern)
    for index in range(count):
        when = plane.clock.now - timedelta(seconds=index + ago)
        identity = UUID(int=new_id().int // SHARDS * SHARDS + index % SHARDS)
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


@pytest.mark.parametrize("what", ["are over", "wait"])
def test_nor_by_a_tick_that_looks_for_what_gives_way(plane: Rig, what: str) -> None:
    """Of a deployment that cancels new runs and of a schedule that skips, while a run of each goes on."""
    plane.pool()
    every = {"schedule": {"interval": 60, "anchor_date": "2026-01-01T00:00:00Z"}, "slug": "s"}
    plane.deployment("skips", schedules=[{**every, "overlap": "skip"}])
    options = {"concurrency_options": {"collision_strategy": "CANCEL_NEW"}, "concurrency_limit": 1}
    cancels = plane.deployment("cancels", **options)
    other = plane.run(cancels)["id"]
    plane.clock.forward(60)
    worker = plane.worker(limit=2)
    for grant in worker.claim(2):
        worker.start(grant)
    if what == "are over":
        worker.end(other)
    plane.run(cancels)
    worker.sync(want=1)
    pattern = other if what == "are over" else plane.run(plane.deployment("crowd"))["id"]
    reads = []
    for count in (11, 489):
        finish(plane, UUID(pattern), count, ago=300)
        plane.plane.tick()
        with recording() as bill:
            plane.plane.tick()
        reads.append(bill.items_read)
    assert reads[0] == reads[1]
