"""Time limits: on the main thread, in other threads, in coroutines, nested."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from headrace import RunTimedOut, flow, task
from headrace.engine.failures import traceback_of
from headrace.timeouts import TimeLimit


def wait_in_steps(seconds: float = 30) -> None:
    """Waits in Python, so that an exception can come in between also without signals."""
    end = time.monotonic() + seconds
    step = threading.Event()
    while time.monotonic() < end:
        step.wait(0.001)


def test_a_flow_that_takes_too_long_is_stopped_also_in_a_blocking_call() -> None:
    @flow(timeout_seconds=0.02)
    def slow() -> None:
        threading.Event().wait(30)

    before = signal.getsignal(signal.SIGALRM)
    left = signal.getitimer(signal.ITIMER_REAL)[0]  # the test suite's own limit may stand on the same timer
    with pytest.raises(RunTimedOut, match=r"ran longer than 0\.02 s and was stopped") as caught:
        slow()
    assert "in slow" in "".join(traceback.format_exception(caught.value))
    assert isinstance(caught.value, TimeoutError)
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL)[0] == pytest.approx(left, abs=5)


def test_except_exception_does_not_swallow_it() -> None:
    @flow(timeout_seconds=0.02)
    def stubborn() -> None:
        while True:
            with suppress(Exception):
                wait_in_steps()

    with pytest.raises(RunTimedOut):
        stubborn()


def test_a_limit_that_was_swallowed_counts_all_the_same() -> None:
    @flow(timeout_seconds=0.02)
    def deaf() -> str:
        with suppress(BaseException):
            wait_in_steps()
        return "done"

    with pytest.raises(RunTimedOut):
        deaf()


def test_a_fast_flow_is_left_alone() -> None:
    assert flow(lambda: 3, timeout_seconds=30)() == 3


@pytest.fixture
def others_alarm() -> Iterator[threading.Event]:
    """An alarm that the program had set itself: the event is set when it rings."""
    rung = threading.Event()
    handler = signal.signal(signal.SIGALRM, lambda *_: rung.set())
    left, _ = signal.setitimer(signal.ITIMER_REAL, 0.15)
    yield rung
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, left)


def test_an_alarm_of_the_programs_own_still_rings_afterwards(others_alarm: threading.Event) -> None:
    with TimeLimit("ours", 30):
        assert not others_alarm.is_set()
    assert others_alarm.wait(30)


def test_the_timer_is_off_when_nobody_else_had_one(others_alarm: threading.Event) -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)
    with TimeLimit("ours", 30):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_the_flows_own_timeout_error_is_its_own() -> None:
    @flow(timeout_seconds=30)
    async def f() -> None:
        raise TimeoutError("of a socket")

    with pytest.raises(TimeoutError, match="of a socket") as caught:
        asyncio.run(f())
    assert not isinstance(caught.value, RunTimedOut)


def test_async_flows_are_cancelled() -> None:
    cleaned: list[int] = []

    @flow(timeout_seconds=0.02)
    async def slow() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            cleaned.append(1)

    with pytest.raises(RunTimedOut) as caught:
        asyncio.run(slow())
    assert "in slow" in "".join(traceback.format_exception(caught.value))
    assert cleaned == [1]


def test_a_time_limit_is_tried_again_like_any_failure() -> None:
    calls: list[int] = []

    @flow(timeout_seconds=0.02, retries=1, retry_on=TimeoutError)
    def f() -> int:
        calls.append(1)
        if len(calls) == 1:
            wait_in_steps()
        return len(calls)

    assert f() == 2


@pytest.mark.parametrize(("outer", "inner", "who"), [(0.02, 30.0, "outer"), (30.0, 0.02, "inner")])
def test_nested_limits_each_end_their_own_block(outer: float, inner: float, who: str) -> None:
    with pytest.raises(RunTimedOut, match=who), TimeLimit("outer", outer), TimeLimit("inner", inner):
        wait_in_steps()


def test_the_outer_limit_still_runs_after_an_inner_one_rang() -> None:
    @task(timeout_seconds=0.01)
    def step() -> None:
        wait_in_steps()

    @flow(timeout_seconds=0.1)
    def f() -> None:
        with pytest.raises(RunTimedOut, match="step"):
            step()
        wait_in_steps()

    with pytest.raises(RunTimedOut, match="Flow run"):
        f()


def test_in_another_thread_it_arrives_between_two_steps() -> None:
    ends: list[Any] = []

    def body() -> None:
        try:
            flow(wait_in_steps, timeout_seconds=0.02)()
        except BaseException as error:  # noqa: BLE001 - handed to the test
            ends.append(error)
        ends.append(sum(range(1000)))  # nothing is left behind to come later

    thread = threading.Thread(target=body)
    thread.start()
    thread.join(30)
    assert isinstance(ends[0], RunTimedOut)
    assert ends[1] == 499500


def test_the_outer_limit_holds_also_for_the_clean_up_of_the_inner_block() -> None:
    reached: list[str] = []
    with pytest.raises(RunTimedOut, match="outer"), TimeLimit("outer", 0.1), TimeLimit("inner", 0.01):
        try:
            wait_in_steps()
        finally:
            wait_in_steps(5)
            reached.append("the end of the clean-up")
    assert reached == []


AFTERWARDS = """
import sys, threading
from headrace import RunTimedOut, flow

@flow(timeout_seconds=0.002)
def slow():
    while True:
        pass

def meet():
    for _ in range(20):
        try:
            slow()
        except RunTimedOut:
            pass

thread = threading.Thread(target=meet)
thread.start()
thread.join()

def traced():
    return "goes on"

sys.settrace(lambda *_: None)
print(traced())
"""


def test_a_limit_in_a_thread_leaves_nothing_that_a_debugger_would_hang_on() -> None:
    command = [sys.executable, "-c", AFTERWARDS]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "goes on\n"


def test_the_traceback_of_a_time_limit_is_the_users_own() -> None:
    @flow(timeout_seconds=0.02)
    def endless() -> None:
        while True:
            pass

    with pytest.raises(RunTimedOut) as raised:
        endless()
    frames = [line.split(", in ")[1] for line in traceback_of(raised.value).splitlines() if ", in " in line]
    assert frames == ["test_the_traceback_of_a_time_limit_is_the_users_own", "endless"]
