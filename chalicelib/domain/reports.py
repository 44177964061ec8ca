"""What becomes of a worker's report: a pure function of the run and what is told.

The attempt is the fence. A report of another attempt, or of a run that was taken away, is refused for
good; one that was applied before is answered as known. A cancel that came first beats a failure, a
finish that came first beats a cancel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from chalicelib.domain import runs
from chalicelib.domain.retry import RetryPolicy, decide
from chalicelib.domain.runs import Run
from chalicelib.domain.transitions import Cause
from headrace.contract.states import StateName, StateType


class Kind(StrEnum):
    """What a report says; the wire's `ReportKind`."""

    STARTED = "started"
    ENDED = "ended"
    RELEASED = "released"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """What became of it; the wire's `ReportVerdict`."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"
    FENCED = "fenced"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Told:
    """One report, as the domain sees it."""

    session: UUID
    attempt: int
    seq: int
    kind: Kind
    at: datetime
    pid: int | None = None
    state_type: StateType | None = None
    state_name: str | None = None
    message: str | None = None
    result: object | None = None
    error: Mapping[str, object] | None = None
    retry_wanted: bool | None = None
    retry_after: float | None = None
    log_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Applied:
    """The outcome and the run after it (the same run unless accepted)."""

    outcome: Outcome
    run: Run
    message: str | None = None


def apply(run: Run, told: Told, now: datetime, dice: float) -> Applied:
    """Apply one report. `dice` (0 to 1) spreads a retry's delay."""
    if told.attempt == run.attempt and told.seq <= run.reported:
        return Applied(Outcome.REPEATED, run)
    if told.attempt != run.attempt or run.session != told.session:
        return Applied(Outcome.FENCED, run, _fence_message(run, told))
    change = _CHANGES[told.kind](run, told, now, dice)
    if change is None:
        message = f"A {run.state.type.value} run cannot take the report {told.kind.value!r}."
        return Applied(Outcome.REFUSED, run, message)
    return Applied(
        Outcome.ACCEPTED, replace(change, reported=told.seq, log_bytes=run.log_bytes + told.log_bytes)
    )


def _fence_message(run: Run, told: Told) -> str:
    if told.attempt < run.attempt:
        return f"Attempt {told.attempt} is over: the run is at attempt {run.attempt}."
    return f"This session no longer holds the run: it is {run.state.type.value}."


def _started(run: Run, told: Told, now: datetime, dice: float) -> Run | None:
    if run.state.type is StateType.PENDING:
        return runs.started(run, now, told.at, told.pid, told.seq)
    if run.state.type is StateType.CANCELLING:
        # The cancel came between claim and start; the order to kill is on its way to the worker.
        run = runs.begun(run, now, told.at)
    if run.state.type in (StateType.CANCELLING, StateType.RUNNING):
        return replace(run, infrastructure_pid=str(told.pid) if told.pid else None, updated=now)
    return None


def _ended(run: Run, told: Told, now: datetime, dice: float) -> Run | None:
    to = told.state_type or StateType.CRASHED
    if to not in (StateType.COMPLETED, StateType.FAILED, StateType.CRASHED):
        return None
    if run.state.type is StateType.CANCELLING:
        return _ended_in_cancel(run, told, to, now)
    if run.state.type is StateType.PENDING:
        if to is not StateType.COMPLETED:
            return _finish(run, told, to, now)
        run = runs.started(run, now, told.at, told.pid, told.seq)
    if to is not StateType.COMPLETED:
        delay = _retry_delay(run, told, dice)
        if delay is not None:
            return _retry(run, told, delay, now)
    return _finish(run, told, to, now)


def _ended_in_cancel(run: Run, told: Told, to: StateType, now: datetime) -> Run:
    if to is StateType.COMPLETED:
        return _finish(run, told, to, now)
    return _cancelled(run, told, now, 0)


def _finish(run: Run, told: Told, to: StateType, now: datetime) -> Run:
    return runs.ended(
        run,
        to,
        Cause.REPORT,
        now,
        name=told.state_name,
        message=told.message,
        at=told.at,
        result=told.result,
        error=told.error,
    )


def _retry_delay(run: Run, told: Told, dice: float) -> float | None:
    policy = run.retry_policy or RetryPolicy()
    error_type = str(told.error.get("type")) if told.error and told.error.get("type") else None
    wish = (told.retry_wanted, told.retry_after)
    return decide(policy, run.run_count, *wish, error_type, dice, lost_count=run.lost_count)


def _retry(run: Run, told: Told, delay: float, now: datetime) -> Run:
    return runs.back_to_scheduled(
        run,
        Cause.REPORT,
        now,
        due=now + timedelta(seconds=delay),
        name=StateName.AWAITING_RETRY,
        message=told.message,
        at=told.at,
        error=told.error,
    )


def _released(run: Run, told: Told, now: datetime, dice: float) -> Run | None:
    if run.state.type is StateType.CANCELLING:
        return _cancelled(run, told, now, dice)
    if run.state.type is not StateType.PENDING:
        return None
    return runs.back_to_scheduled(run, Cause.RELEASE, now, due=run.due, message=told.message, at=told.at)


def _cancelled(run: Run, told: Told, now: datetime, dice: float) -> Run:
    to = StateType.CANCELLED if run.state.type is StateType.CANCELLING else StateType.CRASHED
    message = told.message or run.cancel_reason
    return runs.ended(run, to, Cause.REPORT, now, message=message, at=told.at, error=told.error)


_CHANGES: dict[Kind, Callable[[Run, Told, datetime, float], Run | None]] = {
    Kind.STARTED: _started,
    Kind.ENDED: _ended,
    Kind.RELEASED: _released,
    Kind.CANCELLED: _cancelled,
}
