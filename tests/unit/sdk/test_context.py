"""`flow_run`: what code can know of the run that it is part of."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from uuid import UUID

from headrace import flow, flow_run, task
from headrace.context import Run, Running


def test_outside_of_a_run_everything_is_empty() -> None:
    assert not flow_run
    assert (flow_run.id, flow_run.name, flow_run.flow_name, flow_run.deployment_name) == (None,) * 4
    assert (flow_run.parameters, flow_run.tags, flow_run.attempt, flow_run.run_count) == ({}, [], 0, 0)
    assert flow_run.scheduled_start_time is None
    assert repr(flow_run) == "<no flow run>"


def test_in_a_direct_call() -> None:
    @flow(name="greet")
    def f(x: int) -> None:
        assert flow_run
        assert UUID(flow_run.id) == UUID(flow_run.id)
        assert flow_run.name is not None
        assert flow_run.name.startswith("greet-")
        assert flow_run.parameters == {"x": 3}
        assert (flow_run.run_count, flow_run.deployment_name) == (1, None)

    f("3")  # type: ignore[arg-type]
    assert not flow_run


def test_a_task_and_a_thread_see_their_flow() -> None:
    seen: list[str | None] = []

    @task
    def step() -> None:
        seen.append(flow_run.flow_name)

    @flow(name="outer")
    def f() -> None:
        step()
        thread = threading.Thread(target=lambda: seen.append(flow_run.flow_name))
        thread.start()
        thread.join()

    f()
    assert seen == ["outer", "outer"]


def test_what_a_worker_told_is_there() -> None:
    run = Run(
        "flow",
        "brisk-otter",
        "etl",
        run_id="1",
        deployment_name="etl/nightly",
        attempt=2,
        run_count=3,
        tags=["a"],
        expected_start_time="2025-01-31T12:00:00Z",
    )
    with Running(run):
        assert (flow_run.id, flow_run.deployment_name, flow_run.attempt) == ("1", "etl/nightly", 2)
        assert (flow_run.run_count, flow_run.tags) == (3, ["a"])
        assert flow_run.scheduled_start_time == datetime(2025, 1, 31, 12, tzinfo=UTC)
