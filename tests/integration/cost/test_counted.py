"""The units of the cost model are those that are counted: at the real handlers, and with a real worker."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from benchmarks.recorder import Bill, recording, uncounted
from benchmarks.units import BUDGETS, NAMES, burst, measured, single
from headrace.cost import units
from headrace.cost.units import Units
from tests.support.plane import Rig, WorkerRig

QUIET = 1.25
"""The model may be that much above what is counted, and never below."""


def agrees(model: Units, write_units: float, read_units: float) -> None:
    assert write_units <= model.write_units <= max(write_units * QUIET, write_units + 0.5)
    assert read_units <= model.read_units <= max(read_units * QUIET, read_units + 0.5)


def test_a_short_run_of_a_real_worker() -> None:
    """Where the machine is busy, a start may go without its end: a little more than the model says."""
    model = units.RUN
    known = (model.api_requests, model.sqs_requests, model.write_units, model.read_units)
    assert measured(single, 3) == pytest.approx(known, rel=0.25)


@pytest.fixture
def scene(plane: Rig) -> tuple[Rig, Any, WorkerRig]:
    plane.pool()
    deployment = plane.deployment(schedules=[{"schedule": {"cron": "* * * * *"}, "slug": "s"}])
    worker = plane.worker(limit=20)
    plane.plane.tick()
    return plane, deployment, worker


def counted(do: Callable[[], Any]) -> Bill:
    with recording() as bill:
        do()
    return bill


def test_making_a_run(scene: tuple[Rig, Any, WorkerRig]) -> None:
    plane, deployment, _ = scene
    plane.run(deployment)
    bill = counted(lambda: plane.run(deployment))
    agrees(units.CREATE, bill.write_units, bill.read_units)
    assert bill.calls["sqs.SendMessage"] == units.CREATE.sqs_requests


def test_a_tick_and_an_occurrence(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment()
    worker = plane.worker(limit=9)
    plane.clock.forward(60)
    worker.sync()
    idle = counted(plane.plane.tick)
    agrees(units.TICK, idle.write_units, idle.read_units)
    path = f"/deployments/{deployment['id']}/schedules"
    plane.ok("POST", path, [{"schedule": {"cron": "* * * * *"}, "slug": "s"}])
    plane.clock.forward(60)
    worker.sync()
    plane.plane.tick()
    plane.clock.forward(60)
    for run in worker.claim(9):
        worker.end(run)
    busy = counted(plane.plane.tick)
    made = units.OCCURRENCE + units.TICK
    assert busy.write_units <= made.write_units <= busy.write_units * QUIET
    assert busy.calls["sqs.SendMessageBatch"] == units.OCCURRENCE.sqs_requests


def test_syncs_of_a_worker_with_and_without_runs(scene: tuple[Rig, Any, WorkerRig]) -> None:
    plane, deployment, worker = scene
    for _ in range(2):
        plane.clock.forward(units.IDLE_SYNC_EVERY)
        worker.sync()
    plane.clock.forward(units.IDLE_SYNC_EVERY)
    idle = counted(worker.sync)
    agrees(units.IDLE_SYNC, idle.write_units, idle.read_units)
    run = plane.run(deployment)
    worker.sync(want=1, hints=[run["id"]])
    worker.start(next(iter(worker.held)))
    for _ in range(2):
        plane.clock.forward(units.HELD_SYNC_EVERY)
        worker.sync()
    plane.clock.forward(units.HELD_SYNC_EVERY)
    held = counted(worker.sync)
    agrees(units.HELD_SYNC, held.write_units, held.read_units)


def both(worker: WorkerRig, runs: list[str]) -> list[dict[str, object]]:
    """Start and end of runs, as one call tells them."""
    at = worker.rig.clock.now
    return [
        {"run": run, "attempt": worker.held[run], "seq": seq, "kind": kind, "at": at, "state_type": state}
        for run in runs
        for seq, kind, state in ((1, "started", None), (2, "ended", "COMPLETED"))
    ]


def test_a_sync_for_log_lines_alone(scene: tuple[Rig, Any, WorkerRig]) -> None:
    plane, deployment, worker = scene
    run = plane.run(deployment)["id"]
    worker.claim(1)
    worker.start(run)
    plane.clock.forward(units.HELD_SYNC_EVERY)
    known = worker.sync()["pool_revision"]
    plane.clock.forward(units.LOGS_WAIT_MOST)
    record = {"at": plane.clock.now, "level": 20, "name": "stdout", "message": "a line"}
    batch = {"run": run, "attempt": 1, "seq": 1, "records": [record]}
    bill = counted(lambda: worker.sync(logs=[batch], pool_revision=known))
    agrees(units.LOG_SYNC, bill.write_units, bill.read_units)


READS = ("GetItem", "BatchGetItem", "Query")


def test_under_load_runs_share_a_call_and_its_reads(scene: tuple[Rig, Any, WorkerRig]) -> None:
    """Half of eight slots: ends, and claims of the next, in one request; with it a run keeps its budget."""
    plane, deployment, worker = scene
    for _ in range(24):
        plane.run(deployment)
    reads = []
    for count in (4, 8):
        runs = [grant["run"] for grant in worker.claim(count)]
        ends = both(worker, runs)
        for run in runs:
            del worker.held[run]
        bill = counted(lambda ends=ends, count=count: worker.sync(want=count, reports=ends))
        for run in worker.held:
            assert plane.read(run)["state_type"] == "PENDING"
        assert all(plane.read(run)["state_type"] == "COMPLETED" for run in runs)
        assert bill.write_units / count + units.CREATE.write_units <= 9
        assert bill.read_units / count + units.CREATE.read_units <= 4
        reads.append(sum(bill.calls[f"dynamodb.{name}"] for name in READS))
        worker.sync(reports=both(worker, list(worker.held)))
        worker.held.clear()
    assert reads[0] == reads[1], "calls that read do not grow with the number of runs"


def test_one_more_attempt(plane: Rig) -> None:
    plane.pool()
    deployment = plane.deployment(retry_policy={"retries": 3})
    worker = plane.worker()
    run = plane.run(deployment)["id"]
    worker.claim(1)
    worker.start(run)

    def again() -> None:
        worker.end(run, "FAILED")
        plane.clock.forward(1)
        worker.claim(1)
        worker.start(run)

    bill = counted(again)
    assert run in worker.held
    assert bill.write_units <= units.ATTEMPT.write_units * QUIET


def test_a_burst_of_a_real_worker_is_within_the_budgets() -> None:
    """Of a hundred runs, what comes once (the worker's start, its first polls) is a larger part of each."""
    found = measured(burst, 100)
    for what, value, budget in zip(NAMES, found, BUDGETS["burst"], strict=True):
        assert value <= budget * QUIET, (what, found)


def test_what_a_thread_only_looks_at_is_not_counted(scene: tuple[Rig, Any, WorkerRig]) -> None:
    """Reads of others in the meantime are."""
    plane, deployment, _ = scene
    run = plane.run(deployment)

    def look() -> None:
        plane.plane.ports.runs.require(UUID(run["id"]))

    with recording() as bill:
        with uncounted():
            look()
            assert (bill.items_read, sum(bill.calls.values())) == (0, 0)
            with ThreadPoolExecutor(1) as pool:
                pool.submit(look).result()
        look()
    assert bill.items_read == 2
