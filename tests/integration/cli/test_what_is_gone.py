"""What the command line says of runs that ended, and of queues and deployments that were deleted meanwhile."""

from __future__ import annotations

import pytest

from tests.integration.cli.conftest import Bridge
from tests.support.plane import Rig
from tests.unit.cli.conftest import Cli

pytestmark = pytest.mark.usefixtures("bridge")


@pytest.mark.parametrize("named", [False, True])
def test_a_chosen_run_that_ends_before_it_is_cancelled_is_no_failure(
    cli: Cli, plane: Rig, bridge: Bridge, named: bool
) -> None:
    plane.pool()
    run = plane.run(plane.deployment(), name="quick")
    worker = plane.worker()
    worker.start(worker.claim()[0])
    bridge.before = ("/set_state", lambda: worker.end(run["id"]))
    result = cli("flow-run", "cancel", *([run["id"]] if named else ["--pool", "pool"]))
    assert result.code == (1 if named else 0)
    if named:
        assert "The run is over" in result.err
    else:
        assert result.out.split() == f"{run['id']} ended before it could be cancelled.".split()


def test_a_run_whose_deployment_is_gone_is_not_scheduled_once_more(cli: Cli, plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment()
    run = plane.run(deployment)
    plane.ok("DELETE", f"/deployments/{deployment['id']}?cancel_runs=true")
    result = cli("flow-run", "retry", run["id"])
    assert (result.code, result.out) == (1, "")
    assert "its deployment 'flow/main' was deleted. Deploy it again, and start a new run." in result.err


def test_a_deployment_whose_queue_is_gone_is_not_ready_and_says_why(cli: Cli, plane: Rig) -> None:
    plane.pool()
    queue = plane.ok("POST", "/work_pools/pool/queues", {"name": "q"})
    plane.deployment(work_queue_name="q")
    plane.worker()
    before = cli("deployment", "inspect", "flow/main").out
    assert "● ready" in before
    assert "Problem" not in before
    plane.ok("DELETE", f"/work_queues/{queue['id']}?cancel_runs=true")
    after = cli("deployment", "inspect", "flow/main").out
    assert "○ not ready" in after
    assert "Work pool 'pool' has no queue 'q'. Make it, or deploy to another one." in after
    assert "● ready" not in cli("deployment", "ls").out
