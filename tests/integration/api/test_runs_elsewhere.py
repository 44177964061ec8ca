"""Runs of a deployment in pools that it is no longer in: found wherever they wait, and deleted with it only if told."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.plane import Rig


def _moved(plane: Rig, how: str) -> tuple[Any, Any]:
    """A deployment in another pool than its run, which waits."""
    plane.pool()
    plane.pool("other")
    plane.ok("POST", "/v2/concurrency_limits", {"name": "db", "limit": 0})
    run = plane.run(plane.deployment(), tags=["db"] if how == "redeployed, in a line" else [])
    if how == "its pool is deleted":
        plane.ok("DELETE", "/work_pools/pool?move_to=other")
        plane.pool("third")
        return plane.deployment(pool="third"), run
    if how == "moved twice":
        plane.pool("third")
        plane.deployment(pool="third")
    return plane.deployment(pool="other"), run


HOW = ["redeployed", "redeployed, in a line", "moved twice", "its pool is deleted"]


@pytest.mark.parametrize("how", HOW)
def test_late_ones_are_skipped(plane: Rig, how: str) -> None:
    deployment, run = _moved(plane, how)
    plane.clock.forward(60)
    assert plane.ok("POST", f"/deployments/{deployment['id']}/skip_late") == {"skipped": 1, "more": False}
    assert plane.read(run)["state_name"] == "Skipped"


@pytest.mark.parametrize("how", HOW)
def test_the_deployment_is_not_deleted_before_them(plane: Rig, how: str) -> None:
    deployment, run = _moved(plane, how)
    path = f"/deployments/{deployment['id']}"
    refused = plane.call("DELETE", path)
    assert (refused.status, refused.body["code"]) == (409, "runs_waiting")
    assert run["name"] in refused.body["message"]
    plane.ok("DELETE", f"{path}?cancel_runs=true")
    assert plane.read(run)["state_type"] == "CANCELLED"


def test_pools_that_are_gone_are_forgotten_at_the_next_move(plane: Rig) -> None:
    for number in range(4):
        plane.pool(f"p{number}")
        plane.deployment(pool=f"p{number}")
        if number:
            plane.ok("DELETE", f"/work_pools/p{number - 1}")
    (made,) = plane.plane.deployments.page(None, 10)[0]
    assert list(made.other_pools) == ["p2"]
    before = len(plane.aws.calls)
    plane.deployment(pool="p3")
    assert not [call for call in plane.aws.calls[before:] if "POOL#p2" in str(call.params)]


@pytest.mark.parametrize("state", ["PENDING", "RUNNING"])
@pytest.mark.parametrize("moved", [False, True])
def test_a_deployment_with_a_run_that_goes_on_is_deleted_only_with_it(
    plane: Rig, state: str, moved: bool
) -> None:
    plane.pool()
    deployment = plane.deployment(retry_policy={"retries": 1})
    run = plane.run(deployment)
    worker = plane.worker()
    (grant,) = worker.claim()
    if state == "RUNNING":
        worker.start(grant)
    if moved:
        plane.pool("other")
        plane.deployment(pool="other", retry_policy={"retries": 1})
    path = f"/deployments/{deployment['id']}"
    refused = plane.call("DELETE", path)
    assert (refused.status, refused.body["code"]) == (409, "runs_active")
    assert run["name"] in refused.body["message"]
    assert plane.read(run)["state_type"] == state
    plane.ok("DELETE", f"{path}?cancel_runs=true")
    assert plane.read(run)["state_type"] == "CANCELLING"
    worker.report(grant, "cancelled")
    assert plane.read(run)["state_type"] == "CANCELLED"


def test_a_failure_before_the_deletion_is_seen(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment(retry_policy={"retries": 1})
    run = plane.run(deployment)
    other = plane.run(plane.deployment(name="other"))
    worker = plane.worker(limit=2)
    mine, _ = worker.claim(2)
    worker.start(mine)
    assert plane.call("DELETE", f"/deployments/{deployment['id']}").status == 409
    for _ in range(2):
        worker.end(mine, "FAILED", message="It is broken.")
        plane.clock.forward(5)
        (mine,) = worker.claim() or [None]
        if mine:
            worker.start(mine)
    shown = plane.read(run)
    assert (shown["state_type"], shown["state"]["message"]) == ("FAILED", "It is broken.")
    plane.ok("DELETE", f"/deployments/{deployment['id']}")
    assert plane.read(other)["state_type"] == "PENDING", "another deployment's run is no matter"
