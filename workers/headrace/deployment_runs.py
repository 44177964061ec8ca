"""`run_deployment`: start a run of a deployment, from inside a flow or from any script, and wait for its end.

In a flow that a worker runs, the worker asks the control plane (see `asking`). Anywhere else this process
does so itself, with the settings that the command line uses, too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import UTC, datetime
from math import inf
from time import monotonic, sleep
from typing import Any, Protocol

from headrace.asking import ControlPlaneError, Line, line
from headrace.contract.sizes import PARAMETER_BYTES
from headrace.contract.states import ENDED
from headrace.jsonable import jsonable

FIRST_PAUSE = 0.1
"""Seconds between the first two looks at a run; each further pause is half as long again."""
OUTAGE = 600.0
"""Seconds for which a control plane that does not answer is asked again."""
AWAY_PAUSE = 2.0
_AWAY = frozenset({429, 502, 503, 504})


class DeploymentRun:
    """A run of a deployment, as the control plane told of it last.

    Attributes:
        id: Its id, a UUID as text.
        name: Its name.
        flow_name: The name of its flow.
        deployment_name: The name of its deployment, without the flow's.
        state_type: SCHEDULED, PENDING, RUNNING, PAUSED, CANCELLING, COMPLETED, FAILED, CRASHED or CANCELLED.
        state_name: The state's name, such as Late, AwaitingRetry or TimedOut.
        message: What the state says, such as the error of a failure.
        parameters: Its parameters; empty where they are large.
        tags: Its tags.
        result: What the flow returned, if it has a JSON form of at most 256 KB.
        parent_flow_run_id: The run whose code started it, if it was started as a child.
    """

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.id: str = told["id"]
        self.name: str = told["name"]
        self.flow_name: str | None = told.get("flow_name")
        self.deployment_name: str | None = told.get("deployment_name")
        self.state_type: str = told["state_type"]
        self.state_name: str = told["state_name"]
        self.message: str | None = (told.get("state") or {}).get("message") or None
        self.parameters: dict[str, Any] = told.get("parameters") or {}
        self.tags: list[str] = told.get("tags") or []
        self.result: Any = told.get("result")
        self.parent_flow_run_id: str | None = told.get("parent_flow_run_id")

    @property
    def is_final(self) -> bool:
        """Whether it is over."""
        return self.state_type in ENDED

    @property
    def is_completed(self) -> bool:
        """Whether it is over, and well."""
        return self.state_type == "COMPLETED"

    def __repr__(self) -> str:
        return f"<run {self.name!r} of {self.flow_name}/{self.deployment_name}: {self.state_name}>"


def run_deployment(
    name: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    timeout: float | None = None,
    poll_interval: float = 5.0,
    as_child: bool = True,
    scheduled_time: datetime | None = None,
    flow_run_name: str | None = None,
    tags: Sequence[str] = (),
    job_variables: Mapping[str, Any] | None = None,
    idempotency_key: str | None = None,
) -> DeploymentRun:
    """Start a run of a deployment and wait for its end.

    In a flow, the run belongs to this very call: if the flow is tried again, the same call (the same
    deployment and parameters) finds the run of the attempt before instead of starting a second one, unless
    that run has ended without success.

    Args:
        name: The deployment, as `flow-name/deployment-name`.
        parameters: Parameters of the run, beside those that the deployment has.
        timeout: How many seconds to wait for the end: for ever if None, not at all if 0.
        poll_interval: The longest pause between two looks at the run, in seconds.
        as_child: Link the run to the flow run that starts it.
        scheduled_time: When it shall start; now if None.
        flow_run_name: The run's name; made up if None.
        tags: Tags of the run, beside those of the deployment.
        job_variables: Variables of the job template, for this run alone.
        idempotency_key: The second call with this key finds the run of the first one.

    Returns:
        The run: over, or as it was when the time was up. Look at its `state_type`; it raises nothing when
        the run has failed.

    Raises:
        ControlPlaneError: There is no such deployment, the parameters do not fit it, or nobody answers.
    """
    call = _Call(
        name, parameters, tags, job_variables, flow_run_name, scheduled_time, idempotency_key, as_child
    )
    steps = _steps(call, timeout, poll_interval)
    while True:
        pause, told = _next(steps)
        if told is not None:
            return DeploymentRun(told)
        sleep(pause)


async def arun_deployment(
    name: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    timeout: float | None = None,
    poll_interval: float = 5.0,
    as_child: bool = True,
    scheduled_time: datetime | None = None,
    flow_run_name: str | None = None,
    tags: Sequence[str] = (),
    job_variables: Mapping[str, Any] | None = None,
    idempotency_key: str | None = None,
) -> DeploymentRun:
    """`run_deployment` for async flows: other tasks go on while it waits."""
    import asyncio

    call = _Call(
        name, parameters, tags, job_variables, flow_run_name, scheduled_time, idempotency_key, as_child
    )
    steps = _steps(call, timeout, poll_interval)
    while True:
        pause, told = await asyncio.to_thread(_next, steps)
        if told is not None:
            return DeploymentRun(told)
        await asyncio.sleep(pause)


class Asker(Protocol):
    """Who brings questions to the control plane."""

    def start_run(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Start a run; the run as JSON."""

    def read_run(self, run: str, key: str | None) -> dict[str, Any]:
        """Look at a run that was started with this idempotency key, if any; the run as JSON."""


class _ByWorker:
    def __init__(self, to_worker: Line) -> None:
        self._line = to_worker

    def start_run(self, wanted: dict[str, Any]) -> dict[str, Any]:
        told: dict[str, Any] = self._line.ask("start_run", wanted=wanted)
        return told

    def read_run(self, run: str, key: str | None) -> dict[str, Any]:
        told: dict[str, Any] = self._line.ask("read_run", run=run, idempotency_key=key)
        return told


_calls: dict[str, int] = {}
"""How often each call was made in this process: the numbers tell equal ones apart."""


class _Call:
    """What is wanted, and by whom it is brought."""

    def __init__(
        self,
        name: str,
        parameters: Mapping[str, Any] | None,
        tags: Sequence[str],
        job_variables: Mapping[str, Any] | None,
        flow_run_name: str | None,
        scheduled_time: datetime | None,
        idempotency_key: str | None,
        as_child: bool,
    ) -> None:
        wanted: dict[str, Any] = {"deployment": name, "parameters": _sized(parameters or {})}
        given = {"name": flow_run_name, "idempotency_key": idempotency_key}
        wanted |= {key: value for key, value in given.items() if value is not None}
        wanted |= {"tags": list(tags)} if tags else {}
        wanted |= {"job_variables": jsonable(dict(job_variables))} if job_variables else {}
        digest = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:40]
        if scheduled_time is not None:  # not a part of the call's name: it is another one in each attempt
            wanted["scheduled_time"] = scheduled_time.astimezone(UTC).isoformat()
        if to_worker := line():
            number = _calls[digest] = _calls.get(digest, 0) + 1
            wanted |= {"call": f"{digest}-{number}", "as_child": as_child}
        self.wanted = wanted
        self.patience = OUTAGE if to_worker else 0.0
        """For how long the start is tried: a script that finds no control plane is told so at once."""
        self.asker: Asker = _ByWorker(to_worker) if to_worker else _by_api()


def _sized(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as JSON. However many values they are: their size counts, and a worker carries no more of it."""
    plain: dict[str, Any] = jsonable(dict(parameters), inf)
    size = len(json.dumps(plain, separators=(",", ":"), ensure_ascii=False).encode(errors="replace"))
    if size > PARAMETER_BYTES:
        raise ControlPlaneError(
            f"parameters has {size} bytes; at most {PARAMETER_BYTES} are allowed",
            "Put the data where the worker can read it, and pass its address.",
            "too_large",
            413,
        )
    return plain


def _by_api() -> Asker:
    from importlib import import_module  # httpx and pydantic, which a worker's child need not have

    asker: Asker = import_module("headrace.client.asking").ByApi()
    return asker


def _next(steps: Generator[float, None, dict[str, Any]]) -> tuple[float, dict[str, Any] | None]:
    """Go on: a pause to make, or what was told at last."""
    try:
        return next(steps), None
    except StopIteration as end:
        return 0.0, end.value


def _steps(
    call: _Call, timeout: float | None, poll_interval: float
) -> Generator[float, None, dict[str, Any]]:
    """Start the run, and look at it until it is over or the time is up; yields pauses to be made."""
    until = inf if timeout is None else monotonic() + timeout
    told = yield from _insisted(lambda: call.asker.start_run(call.wanted), call.patience)
    pause, key = FIRST_PAUSE, call.wanted.get("idempotency_key")
    while told["state_type"] not in ENDED and (left := until - monotonic()) > 0:
        yield min(pause, left)
        pause = min(pause * 1.5, max(poll_interval, FIRST_PAUSE))
        run = told["id"]
        told = yield from _insisted(lambda run=run: call.asker.read_run(run, key))  # type: ignore[misc]
    return told


def _insisted(
    what: Callable[[], dict[str, Any]], patience: float = OUTAGE
) -> Generator[float, None, dict[str, Any]]:
    """Ask again and again while the control plane is away; each question may be repeated without harm."""
    give_up = monotonic() + patience
    while True:
        try:
            return what()
        except ControlPlaneError as error:
            away = error.code == "unreachable" or error.status in _AWAY
            if not away or monotonic() >= give_up:
                raise
        yield AWAY_PAUSE
