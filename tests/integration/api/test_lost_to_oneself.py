"""A single write whose answer is lost is sent again by the SDK, and finds its condition broken by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.aws import Carry
from tests.support.faults import _repeated
from tests.support.plane import Rig
from tests.support.strict import Call


def _answered_late(plane: Rig, what: Callable[[], Any]) -> Any:
    """Do it; the first write of a run is carried out twice. How many doorbells rang is the second answer."""

    def fault(call: Call, carry: Carry) -> Any:
        if call.operation != "PutItem" or not call.params["Item"]["pk"]["S"].startswith("RUN#"):
            return carry()
        plane.aws.fault = None
        return _repeated(call, carry)

    plane.aws.calls.clear()
    plane.aws.fault = fault
    answer = what()
    assert plane.aws.fault is None, "a run was written"
    return answer, sum("SendMessage" in call.operation for call in plane.aws.calls)


def _set_state(plane: Rig, run: Any, state: str) -> Any:
    body = {"state": {"type": state}, "force": True}
    return plane.ok("POST", f"/flow_runs/{run['id']}/set_state", body)["status"]


@pytest.mark.parametrize("key", [None, "once"])
def test_a_create_made_its_run_and_rings(plane: Rig, key: str | None) -> None:
    plane.pool()
    path = f"/deployments/{plane.deployment()['id']}/create_flow_run"
    body = {"idempotency_key": key} if key else {}
    reply, rings = _answered_late(plane, lambda: plane.call("POST", path, body))
    assert (reply.status, rings) == (201, 1)
    if key:
        assert plane.call("POST", path, body).status == 200, "a second one finds it"


def test_a_cancel_is_accepted(plane: Rig) -> None:
    plane.pool()
    run = plane.run(plane.deployment())
    assert _answered_late(plane, lambda: _set_state(plane, run, "CANCELLED"))[0] == "ACCEPT"
    assert _set_state(plane, run, "CANCELLED") == "REJECT"


def test_a_rerun_is_accepted_and_rung(plane: Rig) -> None:
    plane.pool()
    run = plane.run(plane.deployment())
    _set_state(plane, run, "CANCELLED")
    assert _answered_late(plane, lambda: _set_state(plane, run, "SCHEDULED")) == ("ACCEPT", 1)


def test_a_report_of_the_end_is_accepted(plane: Rig) -> None:
    plane.pool()
    plane.run(plane.deployment())
    worker = plane.worker()
    (grant,) = worker.claim()
    assert _answered_late(plane, lambda: worker.end(grant))[0]["verdict"] == "accepted"
