"""The control plane was away: what its schedules missed, and what became of its workers' leases."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from botocore.exceptions import ClientError

from tests.support import world
from tests.support.aws import Carry
from tests.support.plane import Rig, WorkerRig
from tests.support.strict import Call

EVERY_MINUTE = {"interval": 60, "anchor_date": "2026-01-01T00:00:30Z"}
AWAY = 600
"""Ten occurrences, 12:00:30 to 12:09:30. The first three had been made ahead."""


def _started(plane: Rig, worker: WorkerRig) -> list[Any]:
    """Everything that a worker is given until there is nothing left."""
    runs = []
    for _ in range(20):
        granted = worker.claim(3)
        if not granted:
            return runs
        for grant in granted:
            runs.append(plane.read(grant["run"]))
            worker.start(grant)
            worker.end(grant)
    raise AssertionError("it never ends")


@pytest.mark.parametrize(("catchup", "starts"), [("all", 10), ("latest", 1), ("none", 1)])
def test_the_catch_up_policy_decides_and_each_occurrence_runs_once(
    plane: Rig, catchup: str, starts: int
) -> None:
    plane.pool()
    schedule = {"schedule": EVERY_MINUTE, "slug": "s", "catchup": catchup}
    deployment = plane.deployment(schedules=[schedule])
    plane.plane.tick()
    worker = plane.worker(limit=3)
    plane.clock.forward(AWAY - 10)
    for _ in range(2):
        plane.plane.tick()
    runs = _started(plane, worker)
    assert len(runs) == starts
    assert max(Counter(run["expected_start_time"] for run in runs).values()) == 1
    path = f"/deployments/{deployment['id']}/schedules"
    (listed,) = plane.ok("GET", path)
    period = "?after=2026-03-02T12:00:00Z&before=2026-03-02T12:09:40Z"
    occurrences = plane.ok("GET", f"{path}/{listed['id']}/verify{period}")
    assert len(occurrences) == 10
    completed = [one for one in occurrences if one["state_type"] == "COMPLETED"]
    assert [one["flow_run_id"] for one in completed] == [run["id"] for run in runs]


def test_leases_are_extended_once_before_any_is_judged(plane: Rig) -> None:
    plane.pool()
    run = plane.run(plane.deployment())
    worker = plane.worker()
    plane.plane.tick()
    (grant,) = worker.claim()
    worker.start(grant)
    plane.clock.forward(AWAY)
    plane.plane.tick()
    assert plane.read(run)["state_type"] == "RUNNING", "its worker had nobody to renew its lease with"
    plane.clock.forward(60)
    plane.plane.tick()
    assert plane.read(run)["state_type"] == "RUNNING"
    for _ in range(3):
        plane.clock.forward(60)
        plane.plane.tick()
    assert plane.read(run)["state_type"] == "CRASHED", "the time given is over, and nobody came"


def test_many_workers_look_after_each_other_and_each_after_few(plane: Rig) -> None:
    """Without a tick: the first and the last by id are lost, of more than are read at once."""
    plane.pool()
    workers = sorted((plane.worker(name=f"w{n}") for n in range(23)), key=lambda worker: worker.session)
    lost, rest = [workers[0], workers[-1]], workers[1:-1]
    plane.clock.forward(170)
    for worker in rest:
        worker.sync()
    plane.clock.forward(20)
    before = len(plane.aws.calls)
    for worker in rest:
        worker.sync()
    sessions = world.read(plane.aws).sessions
    assert [sessions[UUID(worker.session)].is_open for worker in lost] == [False, False]
    reads = [call for call in plane.aws.calls[before:] if call.operation == "BatchGetItem"]
    read = sum("SESSION#" in str(key) for call in reads for key in _keys(call))
    assert read <= 5 * len(rest)


def _keys(call: Call) -> list[Any]:
    return [key for table in call.params["RequestItems"].values() for key in table["Keys"]]


def test_a_cancelled_run_that_ends_during_the_tick_does_not_break_it_off(plane: Rig) -> None:
    """The tick orders a cancel again, since the order may have been lost; its report comes just before that."""
    plane.pool()
    deployment = plane.deployment()
    run = plane.run(deployment)
    worker = plane.worker(limit=2)
    (grant,) = worker.claim()
    worker.start(grant)
    plane.ok("POST", f"/flow_runs/{run['id']}/set_state", {"state": {"type": "CANCELLING"}})
    reads = 0

    def fault(call: Call, carry: Carry) -> Any:
        nonlocal reads
        answer = carry()
        reads += call.operation == "BatchGetItem" and run["id"] in str(_keys(call))
        if reads == 1:
            plane.aws.fault = None
            worker.report(grant, "cancelled")
        return answer

    plane.aws.fault = fault
    plane.plane.tick()
    assert reads == 1
    assert plane.read(run)["state_type"] == "CANCELLED"


def test_a_table_that_refuses_leaves_a_line_with_the_reason(
    plane: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(call: Call, carry: Carry) -> Any:
        said = "User: arn:aws:sts::1:assumed-role/x is not authorized to perform: dynamodb:GetItem"
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": said}}, call.operation)

    caplog.set_level(logging.WARNING, "headrace.api")
    assert plane.call("GET", "/work_pools/none").status == 404
    assert not caplog.records, "what the caller got wrong is no news of the control plane"
    plane.aws.fault = refuse
    assert plane.call("GET", "/work_pools/none").status == 503
    (line,) = caplog.messages
    assert line.startswith("GET /api/work_pools/{pool} is refused: The table refused: AccessDenied")
    assert "not authorized to perform: dynamodb:GetItem" in line


@pytest.mark.parametrize("options", [{}, {"catchup": "none"}, {"max_lateness": 120}], ids=str)
def test_what_is_to_start_after_an_outage_was_not_missed_in_it(plane: Rig, options: Any) -> None:
    """Jitter: both moments lie in the outage, and when their runs are to start does not."""
    plane.pool()
    schedule = {"schedule": {"cron": "5,7 12 * * *"}, "slug": "s", "jitter": 3600, **options}
    plane.deployment(schedules=[schedule])
    plane.clock.forward(600)
    plane.plane.tick()
    runs = plane.ok("POST", "/flow_runs/filter", {})
    assert [run["state_name"] for run in runs] == ["Scheduled", "Scheduled"]
    assert min(datetime.fromisoformat(run["expected_start_time"]) for run in runs) > plane.clock.now
