"""`@task`: a step of a flow with a name, retries and a time limit of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, Self, TypeVar, Unpack, cast, overload

from headrace.callee import Callee, CalleeOptions
from headrace.context import Run, current_run, new_run_name

P = ParamSpec("P")
R = TypeVar("R")


class Task(Callee[P, R]):
    """A task. Calling it runs it, in a flow or outside of one."""

    kind = "task"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the task here, again while it fails and has retries left."""
        from headrace.calls import call, call_async

        parent = current_run()
        flow = parent.flow if parent else None
        log_prints = parent.log_prints if self.log_prints is None and parent else self.log_prints
        run = Run(
            "task",
            flow.next_task_name(self.name) if flow else new_run_name(self.name),
            flow.flow_name if flow else "",
            log_prints=bool(log_prints),
        )
        start = call_async if self.is_async else call
        return cast("R", start(self, run, args, kwargs))

    def with_options(self, **changes: Unpack[CalleeOptions]) -> Self:
        """The same function as a task with other options."""
        return self.copy_with(dict(changes))


@overload
def task(fn: Callable[P, R], /) -> Task[P, R]: ...
@overload
def task(fn: None = None, /, **options: Unpack[CalleeOptions]) -> Callable[[Callable[P, R]], Task[P, R]]: ...
def task(fn: Callable[..., Any] | None = None, /, **options: Unpack[CalleeOptions]) -> Any:
    """Make a task of a function, sync or async. Used bare or with options.

    Args:
        fn: The function.
        **options: `name` (default: the function's, with hyphens), `description`, `retries`,
            `retry_delay_seconds`, `retry_backoff`, `retry_jitter`, `retry_on`, `timeout_seconds`,
            `log_prints` (default: as the flow does) and `sleep`, all as for `@flow`.

    Raises:
        TypeError: There is no such option, or `fn` is no function.
    """
    Task.check_options(options)
    if fn is None:
        return lambda function: Task(function, **options)
    return Task(fn, **options)
