"""Skipping what is late, by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.plane import Rig


def test_late_runs_of_a_deployment_are_skipped_and_no_others(plane: Rig) -> None:
    plane.pool()
    mine, other = plane.deployment("mine"), plane.deployment("other")
    late = [plane.run(mine) for _ in range(3)]
    kept = plane.run(other)
    plane.clock.forward(60)
    fresh = plane.run(mine)
    assert plane.ok("POST", f"/deployments/{mine['id']}/skip_late") == {"skipped": 3, "more": False}
    assert {plane.read(run)["state_name"] for run in late} == {"Skipped"}
    assert plane.read(fresh)["state_name"] == "Scheduled"
    assert plane.read(kept)["state_name"] == "Late"
    worker = plane.worker(limit=9)
    assert {grant["run"] for grant in worker.claim(9)} == {fresh["id"], kept["id"]}


def test_late_runs_of_a_pool_are_skipped_also_those_in_a_line(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment(concurrency_limit=1)
    worker = plane.worker()
    plane.run(deployment)
    (going,) = worker.claim()
    waiting = [plane.run(deployment) for _ in range(2)]
    plane.clock.forward(60)
    assert plane.ok("POST", "/work_pools/pool/skip_late") == {"skipped": 2, "more": False}
    assert {plane.read(run)["state_name"] for run in waiting} == {"Skipped"}
    assert plane.read(going["run"])["state_type"] == "PENDING"


@pytest.fixture
def slow(plane: Rig) -> Iterator[Rig]:
    """Every call of AWS takes two seconds."""
    plane.aws.watch = lambda call: plane.clock.forward(2)
    yield plane
    plane.aws.watch = None


def test_more_than_one_request_gets_through_is_gone_on_with(slow: Rig) -> None:
    slow.pool()
    deployment = slow.deployment()
    for _ in range(20):
        slow.run(deployment)
    slow.clock.forward(60)
    answers = [slow.ok("POST", f"/deployments/{deployment['id']}/skip_late")]
    while answers[-1]["more"]:
        answers.append(slow.ok("POST", f"/deployments/{deployment['id']}/skip_late"))
    assert 1 < len(answers) < 20
    assert sum(answer["skipped"] for answer in answers) == 20


@pytest.mark.parametrize("what", ["pool", "deployment", "schedule"])
def test_a_deletion_of_more_than_one_request_gets_through_is_gone_on_with(slow: Rig, what: str) -> None:
    slow.pool()
    schedule = {"schedule": {"interval": 10}, "slug": "s", "catchup": "all"}
    deployment = slow.deployment(schedules=[schedule] if what == "schedule" else [])
    for _ in range(0 if what == "schedule" else 20):
        slow.run(deployment)
    path = "/work_pools/pool" if what == "pool" else f"/deployments/{deployment['id']}"
    tries = 1
    while (reply := slow.call("DELETE", f"{path}?cancel_runs=true")).status == 409:
        assert reply.body["code"] == "unfinished"
        tries += 1
    assert reply.status == 204
    assert 1 < tries < 30
