"""Flow runs and their states."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from pydantic import ConfigDict, Field

from headrace.contract.base import And, Answer, Json, ListRequest, Name, Request, SmallJson, Tags, Time
from headrace.contract.deployments import DeploymentFilter, RetryPolicy
from headrace.contract.run_states import State, StateDetails
from headrace.contract.states import StateType
from headrace.contract.work_pools import AnyOf, NameFilter


class StateCreate(Request):
    """A proposed state."""

    type: StateType
    name: str | None = Field(default=None, max_length=100)
    message: str | None = Field(default=None, max_length=10_000)
    timestamp: Time | None = None
    data: object | None = None
    state_details: StateDetails = Field(default_factory=StateDetails)
    id: UUID | None = None


class SetState(Request):
    """`POST /flow_runs/{id}/set_state`. `force` lets a person leave a terminal state (a rerun)."""

    state: StateCreate
    force: bool = False


class SetStateStatus(StrEnum):
    """The answer to a proposal."""

    ACCEPT = "ACCEPT"
    REJECT = "REJECT"
    ABORT = "ABORT"
    WAIT = "WAIT"


class SetStateAnswer(Answer):
    """What became of a proposal; `state` is the run's state afterwards."""

    status: SetStateStatus
    state: State | None = None
    details: Json = Field(default_factory=dict)


class FlowRunCreate(Request):
    """`POST /deployments/{id}/create_flow_run`. 201 when made, 200 when the idempotency key found it."""

    name: Name | None = None
    state: StateCreate | None = None
    parameters: Json = Field(default_factory=dict)
    enforce_parameter_schema: bool | None = None
    context: Json | None = None
    tags: Tags
    labels: SmallJson | None = None
    idempotency_key: str | None = Field(default=None, min_length=1, max_length=500)
    parent_task_run_id: UUID | None = None
    work_queue_name: Name | None = None
    job_variables: SmallJson | None = None


class EmpiricalPolicy(Request):
    """Retry settings as Prefect's engine sends them."""

    retries: int | None = None
    retry_delay: float | list[float] | None = None
    pause_keys: list[str] | None = None
    resuming: bool | None = None

    model_config = ConfigDict(extra="ignore")


class BareFlowRunCreate(Request):
    """`POST /flow_runs/`: a run without a deployment (a subflow); no worker ever starts it."""

    name: Name | None = None
    flow_id: UUID
    flow_version: str | None = Field(default=None, max_length=200)
    deployment_id: None = None
    state: StateCreate | None = None
    parameters: Json = Field(default_factory=dict)
    context: Json | None = None
    parent_task_run_id: UUID | None = None
    empirical_policy: EmpiricalPolicy | None = None
    tags: Tags
    labels: SmallJson | None = None
    idempotency_key: str | None = Field(default=None, min_length=1, max_length=500)


class FlowRunUpdate(Request):
    """`PATCH /flow_runs/{id}`: only the members given are changed."""

    name: Name | None = None
    flow_version: str | None = Field(default=None, max_length=200)
    parameters: Json | None = None
    empirical_policy: EmpiricalPolicy | None = None
    tags: Tags
    infrastructure_pid: str | None = Field(default=None, max_length=300)
    job_variables: SmallJson | None = None


class Attempt(Answer):
    """One claim of a run: which worker had it, from when to when, and how it ended."""

    attempt: int
    worker: str | None = None
    session: UUID | None = None
    started: Time | None = None
    ended: Time | None = None
    state_type: StateType | None = None
    message: str | None = None


class FlowRun(Answer):
    """One execution of a flow.

    Parameters over 100 KB are told where one run is read, and not in lists: there `parameters_size` (bytes)
    and `parameters_digest` (SHA-256 of their compact JSON) stand for them. Those too large for an answer are at
    `parameters_url`, for an hour: this very JSON, compressed by zlib (RFC 1950). `log_bytes` is what its attempts wrote
    to the log, as their worker told it with their ends. `occurrence` is the moment of its schedule (before jitter) that
    the run stands for: that of a backfill lies in the past, while it is due (`expected_start_time`) when it is made.
    """

    id: UUID
    created: Time
    updated: Time
    name: str
    flow_id: UUID
    flow_name: str | None = None
    deployment_id: UUID | None = None
    deployment_name: str | None = None
    deployment_version: str | None = None
    deployment_version_number: int | None = None
    work_pool_id: UUID | None = None
    work_pool_name: str | None = None
    work_queue_id: UUID | None = None
    work_queue_name: str | None = None
    parameters: Json = Field(default_factory=dict)
    parameters_digest: str | None = None
    parameters_size: int | None = None
    parameters_url: str | None = None
    tags: list[str] = Field(default_factory=list)
    labels: Json = Field(default_factory=dict)
    job_variables: Json = Field(default_factory=dict)
    idempotency_key: str | None = None
    run_count: int = 0
    empirical_policy: EmpiricalPolicy = Field(default_factory=EmpiricalPolicy)
    retry_policy: RetryPolicy | None = None
    expected_start_time: Time
    next_scheduled_start_time: Time | None = None
    start_time: Time | None = None
    end_time: Time | None = None
    total_run_time: float = 0.0
    log_bytes: int = 0
    estimated_start_time_delta: float = 0.0
    auto_scheduled: bool = False
    schedule_slug: str | None = None
    schedule_revision: int | None = None
    occurrence: Time | None = None
    parent_task_run_id: UUID | None = None
    parent_flow_run_id: UUID | None = None
    traceparent: str | None = None
    flow_version: str | None = None
    infrastructure_pid: str | None = None
    worker_name: str | None = None
    attempt: int = 0
    lost_count: int = 0
    state_id: UUID
    state_type: StateType
    state_name: str
    state: State
    state_history: list[State] = Field(default_factory=list)
    attempts: list[Attempt] = Field(default_factory=list)
    result: object | None = None
    error: Json | None = None


class StateTypeFilter(Request):
    """Runs whose state is of one of these types."""

    any_: list[StateType] | None = None
    not_any_: list[StateType] | None = None


class StateFilter(Request):
    """Runs by type or name of their state."""

    operator: And = "and_"
    type: StateTypeFilter | None = None
    name: AnyOf | None = None


class TimeRange(Request):
    """From `after_` (included) to `before_` (included)."""

    after_: Time | None = None
    before_: Time | None = None
    is_null_: None = None


class TagFilter(Request):
    """Runs that carry all, or any, of these tags."""

    operator: And = "and_"
    all_: list[str] | None = None
    any_: list[str] | None = None
    is_null_: None = None


class DeploymentIdFilter(Request):
    """Runs of these deployments."""

    operator: And = "and_"
    any_: list[UUID] | None = None
    is_null_: None = None


class FlowRunFilter(Request):
    """Filter of flow runs. Members that no index can serve must be null."""

    operator: And = "and_"
    id: AnyOf | None = None
    name: AnyOf | None = None
    tags: TagFilter | None = None
    deployment_id: DeploymentIdFilter | None = None
    work_queue_name: AnyOf | None = None
    state: StateFilter | None = None
    flow_version: None = None
    start_time: None = None
    end_time: None = None
    expected_start_time: TimeRange | None = None
    next_scheduled_start_time: None = None
    parent_flow_run_id: None = None
    parent_task_run_id: None = None
    idempotency_key: None = None
    created_by: None = None


class RunSort(StrEnum):
    """Order of a list of runs."""

    EXPECTED_START_TIME_DESC = "EXPECTED_START_TIME_DESC"
    EXPECTED_START_TIME_ASC = "EXPECTED_START_TIME_ASC"


class FlowRunList(ListRequest):
    """`POST /flow_runs/filter`."""

    flow_runs: FlowRunFilter | None = None
    flows: NameFilter | None = None
    deployments: DeploymentFilter | None = None
    work_pools: NameFilter | None = None
    work_pool_queues: NameFilter | None = None
    task_runs: None = None
    sort: RunSort = RunSort.EXPECTED_START_TIME_DESC


class ScheduledRunsRequest(Request):
    """`POST /work_pools/{pool}/get_scheduled_flow_runs`."""

    work_queue_names: list[Name] = Field(default_factory=list, max_length=100)
    scheduled_before: Time | None = None
    scheduled_after: Time | None = None
    limit: int = Field(default=200, ge=1, le=200)


class QueueRunsRequest(Request):
    """`POST /work_queues/{id}/get_runs`."""

    limit: int = Field(default=100, ge=1, le=200)
    scheduled_before: Time | None = None


class ScheduledRun(Answer):
    """A run waiting in a queue of a pool."""

    work_pool_id: UUID
    work_queue_id: UUID
    flow_run: FlowRun
