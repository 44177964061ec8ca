"""A flow run, and every change that can happen to one: each a pure function from run to run.

Who may make which change is `transitions`; what becomes of a report is `reports`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID, uuid5

from chalicelib.domain.retry import RetryPolicy
from chalicelib.domain.transitions import HELD, TERMINAL, Cause, check
from headrace.contract.states import DEFAULT_NAME, StateName, StateType

HISTORY = 40
"""States and attempts kept in a run; older ones make room, so that an item stays small."""
PAST_MESSAGE = 500
"""Characters kept of the message of a past state or attempt, so that many of them stay small too."""


@dataclass(frozen=True, slots=True)
class State:
    """A state of a run. `seq` numbers the states of one run from 0."""

    type: StateType
    timestamp: datetime
    name: str = ""
    message: str | None = None
    scheduled_time: datetime | None = None
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Attempt:
    """One claim: who had the run, from when to when, and how it ended."""

    attempt: int
    worker: str | None = None
    session: UUID | None = None
    started: datetime | None = None
    ended: datetime | None = None
    state_type: StateType | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a flow.

    `attempt` numbers its claims and is the fencing token; `run_count` numbers its starts; `lost_count`
    the times its worker was lost. `schedule_revision` is that of the schedule which made it, and None if
    none did or a person started it again or moved it. `reported` is the sequence number of the last report
    applied in this attempt. `line` names the limit for which it waits, if any; `leads` the line from which it
    came into its queue before others, which follow as it goes. `listed_at` is when it was first due, and its
    place in lists ever after. `parent_flow_run_id` is the run whose code started this one, in its attempt
    `parent_attempt`. `parameters_digest` is set where the parameters are in S3. `revision` rises with every write.
    """

    id: UUID
    name: str
    flow_name: str
    flow_id: UUID
    created: datetime
    updated: datetime
    due: datetime
    listed_at: datetime
    state: State
    history: Sequence[State] = ()
    deployment_id: UUID | None = None
    deployment_name: str | None = None
    deployment_version: str | None = None
    deployment_version_number: int | None = None
    work_pool_name: str | None = None
    work_queue_name: str | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    parameters_digest: str | None = None
    parameters_size: int | None = None
    tags: Sequence[str] = ()
    labels: Mapping[str, object] = field(default_factory=dict)
    job_variables: Mapping[str, object] = field(default_factory=dict)
    idempotency_key: str | None = None
    retry_policy: RetryPolicy | None = None
    auto_scheduled: bool = False
    schedule_slug: str | None = None
    schedule_revision: int | None = None
    occurrence: datetime | None = None
    parent_task_run_id: UUID | None = None
    parent_flow_run_id: UUID | None = None
    parent_attempt: int = 0
    traceparent: str | None = None
    flow_version: str | None = None
    infrastructure_pid: str | None = None
    attempt: int = 0
    run_count: int = 0
    lost_count: int = 0
    reported: int = 0
    session: UUID | None = None
    worker_name: str | None = None
    attempts: Sequence[Attempt] = ()
    slots: Sequence[str] = ()
    line: str | None = None
    leads: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    total_run_time: float = 0.0
    log_bytes: int = 0
    result: object | None = None
    error: Mapping[str, object] | None = None
    cancel_reason: str | None = None
    expires_at: datetime | None = None
    revision: int = 1

    @property
    def is_terminal(self) -> bool:
        """Whether it is over."""
        return self.state.type in TERMINAL

    @property
    def is_held(self) -> bool:
        """Whether a session holds it."""
        return self.state.type in HELD

    def is_as_scheduled(self, revision: int) -> bool:
        """Whether it waits because its schedule, at this revision or an earlier one, made it."""
        made = self.schedule_revision is not None and self.schedule_revision <= revision
        return made and self.state.type is StateType.SCHEDULED

    @property
    def is_untouched_occurrence(self) -> bool:
        """Whether a schedule made it, and it waits for its first claim."""
        waits = self.state.type is StateType.SCHEDULED and not self.attempt
        return waits and self.schedule_revision is not None

    @property
    def has_started(self) -> bool:
        """Whether user code may have run in this attempt."""
        return bool(self.attempts) and self.attempts[-1].started is not None and self.is_held


def state_id(run: UUID, seq: int) -> UUID:
    """The id of a run's state: derived, so that a repeated event has the same one."""
    return uuid5(run, f"state/{seq}")


def move(
    run: Run,
    to: StateType,
    cause: Cause,
    now: datetime,
    *,
    name: str | None = None,
    message: str | None = None,
    scheduled_time: datetime | None = None,
    at: datetime | None = None,
) -> Run:
    """The run after a transition. Raises `WrongState` for one that the table does not have.

    `at` is when it happened by the worker's clock. Clocks differ from machine to machine: the new state is
    never before the one it follows.
    """
    check(run.state.type, to, cause)
    when = max(min(at or now, now), run.state.timestamp)
    state = State(
        type=to,
        name=name or DEFAULT_NAME[to],
        timestamp=when,
        message=message,
        scheduled_time=scheduled_time,
        seq=run.state.seq + 1,
    )
    past = replace(run.state, message=_shortened(run.state.message))
    history = (*run.history, past)[-HISTORY:]
    return replace(run, state=state, history=history, updated=now)


def claimed(run: Run, session: UUID, worker: str, slots: Sequence[str], now: datetime) -> Run:
    """SCHEDULED -> PENDING: the session holds it under a new attempt, and it holds these slots."""
    run = move(run, StateType.PENDING, Cause.CLAIM, now)
    attempt = Attempt(run.attempt + 1, worker, session)
    return replace(
        run,
        attempt=attempt.attempt,
        session=session,
        worker_name=worker,
        attempts=(*run.attempts, attempt)[-HISTORY:],
        slots=tuple(slots),
        line=None,
        leads=None,
        reported=0,
        infrastructure_pid=None,
    )


def of_version(run: Run, label: str | None, number: int) -> Run:
    """A run that has never started takes the version that is in force; one that has keeps its own for good."""
    if run.start_time is not None and run.deployment_version_number is not None:
        return run
    return replace(run, deployment_version=label, deployment_version_number=number or None)


def started(run: Run, now: datetime, at: datetime, pid: int | None, report: int) -> Run:
    """PENDING -> RUNNING: the child runs."""
    run = move(run, StateType.RUNNING, Cause.REPORT, now, at=at, name=_running_name(run))
    return replace(
        run,
        run_count=run.run_count + 1,
        start_time=run.start_time or run.state.timestamp,
        end_time=None,
        infrastructure_pid=str(pid) if pid is not None else None,
        attempts=_last_attempt(run, started=run.state.timestamp),
        reported=report,
    )


def begun(run: Run, now: datetime, at: datetime) -> Run:
    """The child of a run that is being cancelled runs nevertheless: no other state, but it was started."""
    if run.has_started:
        return run
    return replace(run, run_count=run.run_count + 1, attempts=_last_attempt(run, started=min(at, now)))


def ended(
    run: Run,
    to: StateType,
    cause: Cause,
    now: datetime,
    *,
    name: str | None = None,
    message: str | None = None,
    at: datetime | None = None,
    result: object | None = None,
    error: Mapping[str, object] | None = None,
) -> Run:
    """To a terminal state: nobody holds it, it holds no slot."""
    begun = run.attempts[-1].started if run.has_started else None
    run = move(run, to, cause, now, name=name, message=message, at=at)
    run = _let_go(run, to, message)
    spent = (run.state.timestamp - begun).total_seconds() if begun else 0.0
    return replace(
        run,
        end_time=run.state.timestamp,
        total_run_time=run.total_run_time + max(spent, 0.0),
        result=result,
        error=error,
        line=None,
    )


def back_to_scheduled(
    run: Run,
    cause: Cause,
    now: datetime,
    due: datetime,
    *,
    name: str | None = None,
    message: str | None = None,
    at: datetime | None = None,
    error: Mapping[str, object] | None = None,
) -> Run:
    """To SCHEDULED for `due`: released, lost before its start, retried, resumed or rerun.

    What a person starts again, or moves, is no longer its schedule's: that may change, or have later runs due.
    """
    begun = run.attempts[-1].started if run.has_started else None
    run = move(run, StateType.SCHEDULED, cause, now, name=name, message=message, scheduled_time=due, at=at)
    spent = max((run.state.timestamp - begun).total_seconds(), 0.0) if begun else 0.0
    how = StateType.FAILED if cause is Cause.REPORT else StateType.CRASHED if begun else None
    run = _let_go(run, how, message)
    return replace(
        run,
        due=due,
        total_run_time=run.total_run_time + spent,
        error=error,
        result=None,
        expires_at=None,
        schedule_revision=None if cause in (Cause.RERUN, Cause.USER) else run.schedule_revision,
    )


def _let_go(run: Run, how: StateType | None, message: str | None) -> Run:
    attempts = run.attempts
    if attempts and attempts[-1].ended is None:
        attempts = _last_attempt(run, ended=run.state.timestamp, state_type=how, message=_shortened(message))
    return replace(run, session=None, slots=(), attempts=attempts)


def _shortened(message: str | None) -> str | None:
    return message if message is None or len(message) <= PAST_MESSAGE else f"{message[:PAST_MESSAGE]}..."


def _last_attempt(run: Run, **changes: object) -> Sequence[Attempt]:
    if not run.attempts:
        return run.attempts
    return (*run.attempts[:-1], replace(run.attempts[-1], **changes))  # type: ignore[arg-type]


def _running_name(run: Run) -> str | None:
    return StateName.RETRYING if run.run_count else None
