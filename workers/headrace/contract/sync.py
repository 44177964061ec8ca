"""`sync`: the whole conversation between a worker and the control plane.

`POST /work_pools/{pool}/workers/{worker}/sync`. One is in flight per session; `seq` rises by one with
each new request and is repeated when one is sent again.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from headrace.contract.base import YEAR, Answer, Counter, Json, Request, Time
from headrace.contract.run_states import State
from headrace.contract.sizes import WORKER_LIMIT
from headrace.contract.states import StateType
from headrace.contract.workers import QueueAddress, RunRef


class ReportKind(StrEnum):
    """What happened to a run.

    `started`: the child runs. `ended`: it is over (`state_type` says how). `released`: handed back before its
    start, by a draining worker or one whose lease ran out first. `cancelled`: the process group is gone after a cancel.
    """

    STARTED = "started"
    ENDED = "ended"
    RELEASED = "released"
    CANCELLED = "cancelled"


class RunError(Request):
    """Why a run did not complete."""

    type: str = Field(default="", max_length=300)
    message: str = Field(default="", max_length=10_000)
    traceback: str | None = Field(default=None, max_length=100_000)
    hint: str | None = Field(default=None, max_length=1000)


def _at_most_a_year(after: float) -> float:
    """User code wished it: taken as far as it can be, since one bad report must not fail a whole sync."""
    return min(after, YEAR)


class RetryWish(Request):
    """What the child asked of a failed attempt: `after` seconds, or never when `wanted` is false."""

    wanted: bool = True
    after: Annotated[float, Field(ge=0), AfterValidator(_at_most_a_year)] | None = None


class Report(Request):
    """One thing that happened to an attempt. Repeating one (same run, attempt, seq) changes nothing.

    `log_bytes`, with its end, is how much log it wrote.
    """

    run: UUID
    attempt: Counter
    seq: Counter
    kind: ReportKind
    at: Time
    pid: int | None = Field(default=None, ge=0, le=2**63)
    state_type: StateType | None = None
    state_name: str | None = Field(default=None, max_length=100)
    message: str | None = Field(default=None, max_length=10_000)
    result: object | None = None
    error: RunError | None = None
    retry: RetryWish | None = None
    log_bytes: int = Field(default=0, ge=0, le=2**40)


class LogRecord(Request):
    """One line of a run's log."""

    at: Time
    level: int = Field(ge=0, le=1000)
    name: str = Field(max_length=300)
    message: str


class LogBatch(Request):
    """Records of one attempt, numbered by `seq` per attempt so that a repeat stores nothing twice."""

    run: UUID
    attempt: Counter
    seq: Counter
    records: list[LogRecord] = Field(max_length=5000)


class SyncRequest(Request):
    """What a worker says. `slots` is its limit, 0 once it takes nothing new; `want` how many it would start now.

    `heard` is the highest `seq` of this session whose answer arrived: what was granted up to there is known to
    the worker, so there is no hurry to find out what became of runs that it does not list.
    """

    session: UUID
    seq: Counter
    slots: int = Field(ge=0, le=WORKER_LIMIT)
    want: int = Field(default=0, ge=0, le=WORKER_LIMIT)
    held: list[RunRef] = Field(default_factory=list, max_length=2000)
    hints: list[UUID] = Field(default_factory=list, max_length=100)
    reports: list[Report] = Field(default_factory=list, max_length=500)
    logs: list[LogBatch] = Field(default_factory=list, max_length=500)
    pool_revision: int | None = None
    heard: int | None = Field(default=None, ge=0)


class HintVerdict(StrEnum):
    """What a doorbell was worth: delete it for the first three, give it back for `ready`."""

    GRANTED = "granted"
    GONE = "gone"
    BLOCKED = "blocked"
    READY = "ready"


class HintAnswer(Answer):
    """The verdict on one rung run."""

    run: UUID
    verdict: HintVerdict


class Grant(Answer):
    """A run that is now this session's, with all that is needed to start it.

    With a `parameters_digest` the parameters are to be fetched (see `SeenBy`).
    `configuration` is the pool's job template rendered with the deployment's and the run's variables; with a
    `problem` they do not fit the template, and the run is not to be started. `expected_start_time` is when it is due,
    `occurrence` the moment of its schedule that it stands for, if it does (see `FlowRun`). `traceparent` is the
    run's place in a trace (W3C Trace Context).
    """

    run: UUID
    attempt: int
    name: str
    flow_name: str
    deployment_id: UUID | None = None
    deployment_name: str | None = None
    work_queue_name: str
    entrypoint: str | None = None
    path: str | None = None
    pull_steps: list[Json] | None = None
    parameters: Json = Field(default_factory=dict)
    parameters_digest: str | None = None
    parameters_size: int | None = None
    tags: list[str] = Field(default_factory=list)
    configuration: Json = Field(default_factory=dict)
    problem: str | None = None
    expected_start_time: Time
    occurrence: Time | None = None
    timeout_seconds: float | None = None
    run_count: int = 1
    traceparent: str | None = None


class ReportVerdict(StrEnum):
    """`accepted`; `repeated` (was known); `fenced` (an old attempt: kill that child); `refused` (see message)."""

    ACCEPTED = "accepted"
    REPEATED = "repeated"
    FENCED = "fenced"
    REFUSED = "refused"


class Verdict(Answer):
    """What became of one report."""

    run: UUID
    attempt: int
    seq: int
    verdict: ReportVerdict
    code: str | None = None
    message: str | None = None
    state: State | None = None


class CommandKind(StrEnum):
    """What a worker is told.

    `cancel` one run; `fenced`: kill it, it is not yours; `drain`: take nothing new and leave when done;
    `sync`: the pool changed, ask for its queues.
    """

    CANCEL = "cancel"
    SYNC = "sync"
    FENCED = "fenced"
    DRAIN = "drain"


class Command(Answer):
    """Something a worker is told to do, by a sync answer or by its control queue."""

    kind: CommandKind
    run: UUID | None = None
    attempt: int | None = None


class SyncAnswer(Answer):
    """What the control plane says. `lease_seconds` counts from the moment the request was sent.

    `queues` is given only when the pool changed since `pool_revision`.
    """

    lease_seconds: float
    sync_within_seconds: float
    granted: list[Grant] = Field(default_factory=list)
    hints: list[HintAnswer] = Field(default_factory=list)
    verdicts: list[Verdict] = Field(default_factory=list)
    commands: list[Command] = Field(default_factory=list)
    pool_revision: int
    queues: list[QueueAddress] | None = None


class Doorbell(Answer):
    """The body of an SQS message on a work queue."""

    run: UUID
    due: Time
