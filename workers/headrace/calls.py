"""Calls of flows and tasks: one attempt, and the loop of attempts that a direct call makes.

A flow under a worker is given one attempt (`attempt`, `attempt_async`): the control plane decides on the next.
A flow called directly, a subflow and a task try again by themselves (`call`, `call_async`).

A coroutine function behind a plain decorator looks like any function, and gives a coroutine. That is the attempt,
not its result: it goes on in `attempt_async` or `call_async`, as `begun`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import ExitStack
from time import monotonic, sleep
from typing import Any

from headrace.callee import Callee
from headrace.context import Run, Running
from headrace.prints import LoggedPrints
from headrace.run_logs import RunLogger
from headrace.timeouts import RunTimedOut, TimeLimit

Args = Sequence[object]
Kwargs = Mapping[str, object]


def attempt(fn: Callable[..., Any], run: Run, args: Args, kwargs: Kwargs, timeout: float | None) -> Any:
    """Call a function once as part of `run`, within its time limit; a coroutine that it gives is not run yet."""
    with ExitStack() as stack:
        _enter(stack, run)
        if timeout is None:
            return fn(*args, **kwargs)
        with TimeLimit(run.label, timeout):  # raised from the stack, its error would show the stack's frames
            return fn(*args, **kwargs)


async def attempt_async(
    fn: Callable[..., Awaitable[Any]],
    run: Run,
    args: Args,
    kwargs: Kwargs,
    timeout: float | None,
    begun: Awaitable[Any] | None = None,
) -> Any:
    """Call a coroutine function once as part of `run`, within its time limit, or go on with what it gave."""
    with ExitStack() as stack:
        _enter(stack, run)
        if timeout is None:
            return await (begun or fn(*args, **kwargs))
        import asyncio  # the caller runs a loop, so it is there

        scope = asyncio.timeout(timeout)
        try:
            async with scope:
                return await (begun or fn(*args, **kwargs))
        except TimeoutError as error:
            if not scope.expired():
                raise  # the code's own
            raise RunTimedOut(run.label, timeout).with_traceback(_inner(error)) from None


def _inner(error: BaseException) -> Any:
    """The traceback of the cancellation that a time limit turned into its error: it shows where time went."""
    return error.__cause__.__traceback__ if error.__cause__ else error.__traceback__


def _enter(stack: ExitStack, run: Run) -> None:
    stack.enter_context(Running(run))
    if run.log_prints:
        stack.enter_context(LoggedPrints())


def call(callee: Callee[..., Any], run: Run, args: Args, kwargs: Kwargs) -> Any:
    """Call a function, again and again while it fails and its rules give it retries.

    If it gives a coroutine, so does this: whoever awaits it has the rest of the story.
    """
    story = _Story(callee, run)
    wait = callee.sleep or sleep
    while True:
        story.begin()
        try:
            result = attempt(callee.fn, run, args, kwargs, callee.timeout_seconds)
        except Exception as error:
            delay = story.failed(error)
            if delay is None:
                raise
        else:
            if isinstance(result, Coroutine):
                return call_async(callee, run, args, kwargs, result)
            story.completed()
            return result
        wait(delay)


async def call_async(
    callee: Callee[..., Any], run: Run, args: Args, kwargs: Kwargs, begun: Awaitable[Any] | None = None
) -> Any:
    """Call a coroutine function, again and again while it fails and its rules give it retries."""
    import asyncio

    story = _Story(callee, run)
    wait = callee.sleep or asyncio.sleep
    while True:
        if begun is None:
            story.begin()
        try:
            result = await attempt_async(callee.fn, run, args, kwargs, callee.timeout_seconds, begun)
        except Exception as error:
            delay = story.failed(error)
            if delay is None:
                raise
        else:
            story.completed()
            return result
        begun = None
        pause = wait(delay)
        if pause is not None:
            await pause


class _Story:
    """What the log tells of a direct call, and whether it goes on after a failure."""

    def __init__(self, callee: Callee[..., Any], run: Run) -> None:
        self._callee = callee
        self._run = run
        self._log = RunLogger(run)
        self._started = monotonic()

    def begin(self) -> None:
        self._started = monotonic()
        if self._run.kind == "flow" and self._run.run_count == 1:
            self._log.info("%s of flow '%s' begins", self._run.label, self._run.flow_name)

    def completed(self) -> None:
        self._log.info("%s completed in %s", self._run.label, self._took())

    def failed(self, error: Exception) -> float | None:
        """Say what happened; seconds until the next attempt, or None when this was the last.

        The last error goes on to the caller, who sees its traceback; the earlier ones would be lost, so
        the log gets theirs.
        """
        run = self._run
        delay = self._callee.rules.delay_after(error, run.run_count)
        what = f"{type(error).__name__}: {error}"
        if delay is None:
            self._log.error("%s failed after %s with %s", run.label, self._took(), what)
            return None
        left = (self._callee.rules.retries or 0) + 1 - run.run_count
        message = "%s failed with %s; next attempt in %g s (%d left)"
        self._log.warning(message, run.label, what, delay, left, exc_info=error)
        run.run_count += 1
        return delay

    def _took(self) -> str:
        return f"{monotonic() - self._started:.2f} s"
