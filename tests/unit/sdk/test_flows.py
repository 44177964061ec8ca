"""Flows called directly: plain Python with logs, retries and a time limit."""

from __future__ import annotations

import asyncio
import functools
import logging
import pickle
from typing import Any

import pytest

from headrace import Flow, ParameterError, Retry, flow, flow_run


@flow
def at_the_top(x: int) -> int:
    """Stands at the top of a module."""
    return x + 1


def failing(times: int, error: type[Exception] = ValueError) -> Any:
    """A function that fails so many times, then says how often it was called."""
    calls = []

    def function() -> int:
        calls.append(1)
        if len(calls) <= times:
            raise error(f"no. {len(calls)}")
        return len(calls)

    return function


def test_bare_and_with_options() -> None:
    @flow(name="other", version="7", description="told")
    def with_options() -> int:
        return 1

    assert (at_the_top.name, at_the_top.version) == ("at-the-top", None)
    assert at_the_top.description == "Stands at the top of a module."
    assert (with_options.name, with_options.version, with_options.description) == ("other", "7", "told")
    assert at_the_top(1) == 2
    assert at_the_top.fn(1) == 2
    assert at_the_top.__name__ == "at_the_top"
    assert isinstance(with_options, Flow)


def test_options_can_be_changed_in_a_copy() -> None:
    other = at_the_top.with_options(name="copy", retries=3, version="2")
    assert (other.name, other.rules.retries, other.version) == ("copy", 3, "2")
    assert (at_the_top.name, at_the_top.rules.retries) == ("at-the-top", None)
    assert other.with_options(retries=1).name == "copy"
    assert other(1) == 2


def test_arguments_are_checked_and_converted() -> None:
    assert at_the_top("1") == 2  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="the parameters do not fit flow 'at-the-top'"):
        at_the_top("x")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="missing a required argument: 'x'"):
        at_the_top()  # type: ignore[call-arg]


def test_checking_can_be_turned_off() -> None:
    @flow(validate_parameters=False)
    def f(x: int) -> Any:
        return x

    assert f("x") == "x"  # type: ignore[arg-type]


def test_retries_wait_and_try_again(caplog: pytest.LogCaptureFixture) -> None:
    waits: list[float] = []
    again = flow(failing(2), name="again", retries=2, retry_delay_seconds=[1, 9], sleep=waits.append)
    with caplog.at_level(logging.INFO, "headrace"):
        assert again() == 3
    assert waits == [1, 9]
    warning = next(record for record in caplog.records if record.levelno == logging.WARNING)
    assert "failed with ValueError: no. 1; next attempt in 1 s (2 left)" in warning.message
    assert warning.exc_info is not None


def test_the_last_error_is_the_callers() -> None:
    waits: list[float] = []
    with pytest.raises(ValueError, match=r"no\. 3"):
        flow(failing(9), retries=2, sleep=waits.append)()
    assert waits == [0, 0]


def test_an_error_that_is_not_worth_it_is_not_tried_again() -> None:
    with pytest.raises(ValueError, match=r"no\. 1"):
        flow(failing(9), retries=2, retry_on=OSError, sleep=lambda _: None)()


def test_an_explicit_retry_is_honoured_while_retries_remain() -> None:
    waits: list[float] = []
    attempts: list[int] = []

    @flow(retries=1, retry_on=OSError, sleep=waits.append)
    def f() -> None:
        attempts.append(flow_run.run_count)
        raise Retry("not ready", after=30)

    with pytest.raises(Retry, match="not ready"):
        f()
    assert (waits, attempts) == ([30], [1, 2])


def test_async_flows_retry_too() -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    function = failing(1)

    @flow(retries=1, retry_delay_seconds=4, sleep=sleep)
    async def f() -> int:
        await asyncio.sleep(0)
        return function()

    assert f.is_async
    assert asyncio.run(f()) == 2
    assert waits == [4]


def test_async_flows_behind_a_plain_decorator_retry_and_know_their_run(
    caplog: pytest.LogCaptureFixture,
) -> None:
    waits: list[float] = []
    function = failing(1)

    def plain(fn: Any) -> Any:
        return lambda: fn()

    @flow(name="wrapped", retries=1, retry_delay_seconds=4, sleep=waits.append)
    @plain
    async def f() -> tuple[int, int]:
        await asyncio.sleep(0)
        return function(), flow_run.run_count

    with caplog.at_level(logging.INFO, "headrace"):
        assert asyncio.run(f()) == (2, 2)
    assert waits == [4]
    told = [record.message.split("' ")[-1].split(" ")[0] for record in caplog.records]
    assert told == ["begins", "failed", "completed"]


def test_a_process_that_exits_is_not_tried_again() -> None:
    waits: list[float] = []

    @flow(retries=3, sleep=waits.append)
    def f() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        f()
    assert waits == []


def test_a_subflow_is_a_plain_call_with_lines_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Any] = []

    @flow
    def inner() -> int:
        seen.append(flow_run.flow_name)
        return 1

    @flow
    def outer() -> int:
        seen.append(flow_run.flow_name)
        result = inner() + 1
        seen.append(flow_run.flow_name)
        return result

    with caplog.at_level(logging.INFO, "headrace"):
        assert outer() == 2
    assert seen == ["outer", "inner", "outer"]
    assert sum("begins" in record.message for record in caplog.records) == 2
    assert sum("completed in" in record.message for record in caplog.records) == 2


def test_methods_partials_and_callable_objects_may_be_flows() -> None:
    class Loader:
        factor = 3

        @flow
        def load(self, x: int) -> int:
            return x * self.factor

        def __call__(self, x: int) -> int:
            return x * 10

    assert Loader().load("2") == 6  # type: ignore[arg-type]
    assert flow(Loader())("2") == 20
    assert flow(functools.partial(Loader().__call__))("2") == 20
    assert flow(functools.partial(at_the_top.fn, x=5))() == 6


def test_generators_and_things_that_cannot_be_called_are_refused() -> None:
    def rows() -> Any:
        yield 1

    async def more_rows() -> Any:
        yield 1

    for function in (rows, more_rows):
        with pytest.raises(TypeError, match="cannot be a generator"):
            flow(function)
    with pytest.raises(TypeError, match="@flow goes on a function"):
        flow(3)  # type: ignore[call-overload]


@pytest.mark.parametrize("seconds", [0, -1, "1", True])
def test_senseless_time_limits_are_refused(seconds: Any) -> None:
    with pytest.raises(ValueError, match="timeout_seconds"):
        flow(lambda: None, timeout_seconds=seconds)


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(TypeError, match="retires"):
        flow(lambda: None, retires=3)  # type: ignore[call-overload]


def test_a_flow_is_pickled_by_its_name() -> None:
    assert pickle.dumps(at_the_top).find(b"at_the_top") > 0
