"""What a run knows of itself, and how code inside it finds out: `flow_run`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextvars import ContextVar, Token
from types import TracebackType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any


pipes: list[tuple[Any, int, int]] = []
"""Channel to the worker that started this process, pipe of its answers, process id: see `asking`."""


class Run:
    """One run of a flow or a task, in the course of a call."""

    def __init__(
        self,
        kind: str,
        name: str,
        flow_name: str = "",
        *,
        run_id: str | None = None,
        deployment_name: str | None = None,
        attempt: int = 1,
        run_count: int = 1,
        parameters: Mapping[str, object] | None = None,
        tags: Sequence[str] = (),
        expected_start_time: str | None = None,
        log_prints: bool = False,
    ) -> None:
        self.kind = kind
        self.name = name
        self.flow_name = flow_name
        self.deployment_name = deployment_name
        self.attempt = attempt
        self.run_count = run_count
        self.parameters = dict(parameters or {})
        self.tags = list(tags)
        self.expected_start_time = expected_start_time
        self.log_prints = log_prints
        self.flow: Run | None = self if kind == "flow" else None
        self._id = run_id
        self._numbers: dict[str, int] = {}

    @property
    def label(self) -> str:
        """`Flow run 'x'` or `Task run 'x'`."""
        return f"{self.kind.capitalize()} run '{self.name}'"

    @property
    def id(self) -> str:
        """The run's id; one that no worker started gets its own when somebody asks."""
        if self._id is None:
            from uuid import uuid4  # costs more than the rest of this module

            self._id = str(uuid4())
        return self._id

    def next_task_name(self, task: str) -> str:
        """`task-0`, `task-1`... in the order of the calls in this run."""
        number = self._numbers.get(task, 0)
        self._numbers[task] = number + 1
        return f"{task}-{number}"


_current: ContextVar[Run | None] = ContextVar("headrace_run", default=None)
_outermost: list[Run] = []


def current_run() -> Run | None:
    """The run that this code is part of.

    A thread that the user's code started knows no context; it belongs to the one outermost run, if there
    is just one.
    """
    run = _current.get()
    if run is None and len(_outermost) == 1:
        return _outermost[0]
    return run


class Running:
    """`with Running(run):` the code inside is part of that run."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._token: Token[Run | None] | None = None
        self._is_outermost = False

    def __enter__(self) -> None:
        parent = current_run()
        if self._run.flow is None and parent is not None:
            self._run.flow = parent.flow
        self._is_outermost = parent is None
        if self._is_outermost:
            _outermost.append(self._run)
        self._token = _current.set(self._run)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._token is not None:
            _current.reset(self._token)
        if self._is_outermost:
            _outermost.remove(self._run)


def new_run_name(flow_name: str) -> str:
    """A name for a run that nobody named."""
    return f"{flow_name}-{os.urandom(2).hex()}"


class FlowRun:
    """The flow run that this code is part of; outside of one, everything is empty."""

    def _run(self) -> Run | None:
        run = current_run()
        return run.flow if run else None

    def __bool__(self) -> bool:
        return self._run() is not None

    def __repr__(self) -> str:
        run = self._run()
        return f"<flow run {run.name!r}>" if run else "<no flow run>"

    @property
    def id(self) -> str | None:
        """The run's id."""
        run = self._run()
        return run.id if run else None

    @property
    def name(self) -> str | None:
        """The run's name."""
        run = self._run()
        return run.name if run else None

    @property
    def flow_name(self) -> str | None:
        """The name of the flow that runs."""
        run = self._run()
        return run.flow_name if run else None

    @property
    def deployment_name(self) -> str | None:
        """The deployment that the run came from; None when the flow was called directly."""
        run = self._run()
        return run.deployment_name if run else None

    @property
    def parameters(self) -> dict[str, object]:
        """The parameters that the flow was called with."""
        run = self._run()
        return dict(run.parameters) if run else {}

    @property
    def tags(self) -> list[str]:
        """The run's tags."""
        run = self._run()
        return list(run.tags) if run else []

    @property
    def attempt(self) -> int:
        """How many times a worker has claimed the run, this time included; 0 outside of a run."""
        run = self._run()
        return run.attempt if run else 0

    @property
    def run_count(self) -> int:
        """How many times the flow has been started, this time included; 0 outside of a run."""
        run = self._run()
        return run.run_count if run else 0

    @property
    def scheduled_start_time(self) -> datetime | None:
        """When the run was to start, in UTC; None when the flow was called directly.

        For a run of a schedule this is the moment that it stands for, however late it starts and however often:
        a backfilled one has that of the past.
        """
        run = self._run()
        if run is None or run.expected_start_time is None:
            return None
        from datetime import datetime

        return datetime.fromisoformat(run.expected_start_time)


flow_run = FlowRun()
"""`from headrace import flow_run`: the flow run that this code is part of."""
