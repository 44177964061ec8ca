"""Tasks: plain calls with a name, retries and log lines."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

from headrace import flow, get_run_logger, task


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name == "headrace.task_runs"]


def test_calls_are_numbered_within_their_flow(caplog: pytest.LogCaptureFixture) -> None:
    @task
    def load_rows(x: int) -> int:
        return x

    @task(name="store")
    def save(x: int) -> int:
        return x

    @flow
    def f() -> int:
        return load_rows(1) + load_rows(2) + save(3)

    with caplog.at_level(logging.INFO, "headrace"):
        assert f() == 6
        assert f() == 6
    names = [message.split("'")[1] for message in messages(caplog)]
    assert names == ["load-rows-0", "load-rows-1", "store-0"] * 2
    assert messages(caplog)[0].startswith("Task run 'load-rows-0' completed in ")


def test_a_task_retries_by_itself(caplog: pytest.LogCaptureFixture) -> None:
    waits: list[float] = []
    calls: list[int] = []

    @task(retries=1, retry_delay_seconds=7, sleep=waits.append)
    def flaky() -> int:
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("first")
        return len(calls)

    assert flow(lambda: flaky())() == 2
    assert waits == [7]
    assert flaky.with_options(name="x").name == "x"


def test_a_failing_task_fails_its_flow_with_the_tasks_error() -> None:
    @task
    def bad() -> None:
        raise KeyError("k")

    with pytest.raises(KeyError):
        flow(lambda: bad())()


def test_async_tasks() -> None:
    @task
    async def double(x: int) -> int:
        await asyncio.sleep(0)
        return 2 * x

    @flow
    async def f() -> list[int]:
        return list(await asyncio.gather(double(1), double(2)))

    assert asyncio.run(f()) == [2, 4]


def test_a_task_outside_of_a_flow_is_a_plain_call() -> None:
    assert task(lambda: 3)() == 3


def test_tasks_in_threads_belong_to_the_flow(caplog: pytest.LogCaptureFixture) -> None:
    @task
    def step(x: int) -> int:
        get_run_logger().info("step %d", x)
        return x

    @flow
    def f() -> int:
        with ThreadPoolExecutor(2) as pool:
            return sum(pool.map(step, range(4)))

    with caplog.at_level(logging.INFO, "headrace"):
        assert f() == 6
    names = {message.split("'")[1] for message in messages(caplog) if "completed" in message}
    assert names == {"step-0", "step-1", "step-2", "step-3"}
