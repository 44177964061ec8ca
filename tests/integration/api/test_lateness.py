"""Skipping what is late, by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib.services import waiting
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


def test_runs_that_go_on_are_cancelled_in_as_many_requests_as_it_takes(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment()
    runs = [plane.run(deployment) for _ in range(10)]
    worker = plane.worker(limit=10)
    for grant in worker.claim(10):
        worker.start(grant)
    plane.aws.watch = lambda call: plane.clock.forward(1)
    tries = 1
    while (reply := plane.call("DELETE", f"/deployments/{deployment['id']}?cancel_runs=true")).status == 409:
        assert reply.body["code"] == "unfinished"
        tries += 1
    plane.aws.watch = None
    assert 1 < tries < 10
    assert {plane.read(run)["state_type"] for run in runs} == {"CANCELLING"}


def looked_at(plane: Rig, since: int) -> set[str]:
    """The runs read whole since that call."""
    calls = [call for call in plane.aws.calls[since:] if call.operation == "BatchGetItem"]
    keys = [key for call in calls for table in call.params["RequestItems"].values() for key in table["Keys"]]
    return {key["pk"]["S"].removeprefix("RUN#") for key in keys if key["pk"]["S"].startswith("RUN#")}


@pytest.mark.parametrize("act", ["skip_late", "delete a queue", "delete"])
def test_runs_of_another_pool_that_wait_in_the_same_line_are_not_looked_at(plane: Rig, act: str) -> None:
    plane.ok("POST", "/v2/concurrency_limits", {"name": "db", "limit": 0})
    for name in ("pool", "pool2"):
        plane.pool(name)
        plane.ok("POST", f"/work_pools/{name}/queues", {"name": "q"})
    made = {
        name: plane.run(plane.deployment(name=name, pool=name, work_queue_name="q", tags=["db"]))["id"]
        for name in ("pool", "pool2")
    }
    queue = plane.ok("GET", "/work_pools/pool/queues/q")
    plane.clock.forward(60)
    since = len(plane.aws.calls)
    if act == "skip_late":
        assert plane.ok("POST", "/work_pools/pool/skip_late")["skipped"] == 1
    else:
        path = f"/work_queues/{queue['id']}" if act == "delete a queue" else "/work_pools/pool"
        plane.ok("DELETE", f"{path}?cancel_runs=true")
    assert looked_at(plane, since) == {made["pool"]}
    assert plane.read(made["pool"])["state_type"] == "CANCELLED"


@pytest.mark.parametrize("act", ["skip_late", "delete"])
def test_of_many_runs_those_of_other_deployments_are_not_looked_at(
    plane: Rig, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    monkeypatch.setattr(waiting, "MANY", 5)
    plane.pool()
    plane.ok("POST", "/v2/concurrency_limits", {"name": "db", "limit": 0})
    mine, other = plane.deployment("mine"), plane.deployment("other")
    for _ in range(3):
        plane.run(other)
        plane.run(other, tags=["db"])
    runs = {plane.run(mine, tags=tags)["id"] for tags in ([], ["db"])}
    plane.clock.forward(60)
    since = len(plane.aws.calls)
    if act == "skip_late":
        assert plane.ok("POST", f"/deployments/{mine['id']}/skip_late") == {"skipped": 2, "more": False}
    else:
        plane.ok("DELETE", f"/deployments/{mine['id']}?cancel_runs=true")
    assert looked_at(plane, since) == runs
    assert {plane.read(run)["state_type"] for run in runs} == {"CANCELLED"}


def test_what_is_not_late_yet_is_not_looked_at_for_what_is(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment()
    late = plane.run(deployment)["id"]
    plane.clock.forward(60)
    plane.run(deployment)
    since = len(plane.aws.calls)
    assert plane.ok("POST", "/work_pools/pool/skip_late")["skipped"] == 1
    assert looked_at(plane, since) == {late}
