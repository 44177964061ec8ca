"""Ten thousand runs wait; what should start next starts next, and nothing is read in proportion to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from benchmarks.recorder import recording
from chalicelib.services.ports import new_id
from tests.support.plane import Rig, rig

MANY = 10_000


@pytest.fixture(scope="module")
def crowd() -> Iterator[tuple[Rig, Any]]:
    """A pool whose queue of low priority has ten thousand due runs of one deployment."""
    with rig() as plane:
        plane.pool()
        plane.ok("POST", "/work_pools/pool/queues", {"name": "low", "priority": 9})
        crowd = plane.deployment("crowd", work_queue_name="low")
        pattern = plane.plane.ports.runs.require(UUID(plane.run(crowd)["id"]))
        for index in range(MANY):
            when = plane.clock.now - timedelta(seconds=MANY - index)
            run = replace(pattern, id=new_id(), due=when, listed_at=when)
            assert plane.plane.ports.runs.create(run)
        yield plane, crowd


def test_one_of_high_priority_starts_next(crowd: tuple[Rig, Any]) -> None:
    plane, _ = crowd
    urgent = plane.deployment("urgent", work_queue_name="default")
    worker = plane.worker(name="first")
    run = plane.run(urgent)
    with recording() as bill:
        (grant,) = worker.claim()
    assert grant["run"] == run["id"]
    assert bill.items_read < 60
    worker.start(grant)
    worker.end(grant)


def test_a_claim_reads_no_more_because_many_wait(crowd: tuple[Rig, Any]) -> None:
    plane, _ = crowd
    worker = plane.worker(name="second", limit=8)
    with recording() as bill:
        granted = worker.claim(8)
    assert len(granted) == 8
    assert bill.items_read < 60


def test_runs_of_a_paused_deployment_do_not_stand_before_one_that_can_start(crowd: tuple[Rig, Any]) -> None:
    plane, deployment = crowd
    plane.ok("PATCH", f"/deployments/{deployment['id']}", {"paused": True})
    worker = plane.worker(name="third")
    other = plane.deployment("other", work_queue_name="low")
    run = plane.run(other)
    answer = worker.sync(want=1, hints=[run["id"]])
    assert [grant["run"] for grant in answer["granted"]] == [run["id"]]
