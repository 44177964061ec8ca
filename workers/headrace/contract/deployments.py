"""Deployments: where, when and how a flow runs."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from headrace.contract.base import (
    YEAR,
    And,
    Answer,
    Json,
    ListRequest,
    Name,
    Request,
    Seconds,
    SmallJson,
    Tags,
    Time,
)
from headrace.contract.errors import FieldError
from headrace.contract.schedules import Schedule, ScheduleCreate
from headrace.contract.work_pools import AnyOf, NameFilter

Entrypoint = Annotated[str, Field(min_length=1, max_length=500)]
"""`path/file.py:function` or `package.module:function`."""


class CollisionStrategy(StrEnum):
    """What happens to a run that meets its deployment's full limit."""

    ENQUEUE = "ENQUEUE"
    CANCEL_NEW = "CANCEL_NEW"


class ConcurrencyOptions(Request):
    """How a deployment's concurrency limit behaves.

    `grace_period_seconds` is Prefect's time for a run to start before it loses its slot. Its clients send it, and it
    changes nothing: here a run that was claimed keeps its slot for as long as its worker renews the lease.
    """

    collision_strategy: CollisionStrategy = CollisionStrategy.ENQUEUE
    grace_period_seconds: int | None = Field(default=None, ge=0, le=YEAR)


class RetryPolicy(Request):
    """Retries of a flow run, decided by the control plane. `delay` is one number or one per retry, in seconds.

    `backoff` multiplies the delay from retry to retry, up to `max_delay`; `jitter` (0 to 1) spreads it.
    `on` names exception types that are worth a retry; empty means all.
    """

    retries: int = Field(default=0, ge=0, le=1000)
    delay: Seconds | Annotated[list[Seconds], Field(min_length=1, max_length=1000)] = 0.0
    backoff: float = Field(default=1, ge=1, le=100)
    max_delay: Seconds = 3600.0
    jitter: float = Field(default=0, ge=0, le=1)
    on: list[Annotated[str, Field(min_length=1, max_length=300)]] = Field(default_factory=list, max_length=50)
    max_lost: int = Field(default=3, ge=0, le=100)


class _Common(Request):
    description: str | None = Field(default=None, max_length=10_000)
    version: str | None = Field(default=None, max_length=200)
    version_info: SmallJson | None = None
    paused: bool = False
    concurrency_limit: int | None = Field(default=None, ge=0, le=5000)
    concurrency_options: ConcurrencyOptions | None = None
    parameters: Json = Field(default_factory=dict)
    parameter_openapi_schema: Json | None = None
    enforce_parameter_schema: bool = True
    tags: Tags
    pull_steps: list[SmallJson] | None = Field(default=None, max_length=50)
    work_pool_name: Name | None = None
    work_queue_name: Name | None = None
    path: str | None = Field(default=None, max_length=4000)
    entrypoint: Entrypoint | None = None
    job_variables: Json = Field(default_factory=dict)
    retry_policy: RetryPolicy | None = None
    timeout_seconds: float | None = Field(default=None, gt=0, le=YEAR)


class DeploymentCreate(_Common):
    """`POST /deployments/`: made (201), or an existing one of that name brought up to this (200)."""

    name: Name
    flow_id: UUID
    schedules: list[ScheduleCreate] | None = Field(default=None, max_length=40)
    labels: SmallJson | None = Field(default_factory=dict)
    storage_document_id: None = None
    infrastructure_document_id: None = None
    global_concurrency_limit_id: None = None


MOST_CHECKED = 100


class DeploymentCheck(Request):
    """`POST /deployments/check`: would these be taken? Nothing is made, and their flows need not be there yet."""

    deployments: list[DeploymentCreate] = Field(min_length=1, max_length=MOST_CHECKED)


class Refusal(Answer):
    """Why the deployment at this place of the request would be refused."""

    number: int
    code: str
    message: str
    hint: str | None = None
    errors: list[FieldError] = Field(default_factory=list)


class DeploymentUpdate(_Common):
    """`PATCH /deployments/{id}`: only the members given are changed."""

    schedules: list[ScheduleCreate] | None = Field(default=None, max_length=40)


class DeploymentStatus(StrEnum):
    """READY while a live worker serves its queue."""

    READY = "READY"
    NOT_READY = "NOT_READY"


class Deployment(Answer):
    """The API-managed record of a flow to be run. Its id is derived from `flow-name/deployment-name`.

    `version_number` is the version in force, and `latest_version_number` the last one made; they differ while
    it is `pinned`. `version` is the label of the one in force.
    """

    id: UUID
    created: Time
    updated: Time
    name: str
    flow_id: UUID
    flow_name: str
    version: str | None = None
    version_info: Json | None = None
    description: str | None = None
    paused: bool = False
    schedules: list[Schedule] = Field(default_factory=list)
    concurrency_limit: int | None = None
    concurrency_options: ConcurrencyOptions | None = None
    job_variables: Json = Field(default_factory=dict)
    parameters: Json = Field(default_factory=dict)
    tags: list[str] = Field(default_factory=list)
    labels: Json = Field(default_factory=dict)
    work_pool_name: str | None = None
    work_queue_name: str | None = None
    work_queue_id: UUID | None = None
    path: str | None = None
    entrypoint: str | None = None
    pull_steps: list[Json] | None = None
    parameter_openapi_schema: Json | None = None
    enforce_parameter_schema: bool = True
    retry_policy: RetryPolicy | None = None
    timeout_seconds: float | None = None
    version_number: int = 0
    latest_version_number: int = 0
    pinned: bool = False
    status: DeploymentStatus = DeploymentStatus.NOT_READY
    revision: int = 1


class DeploymentFilter(Request):
    """Filter of deployments."""

    operator: And = "and_"
    id: AnyOf | None = None
    name: AnyOf | None = None
    flow_or_deployment_name: None = None
    paused: None = None
    tags: None = None
    work_queue_name: None = None
    concurrency_limit: None = None


class DeploymentList(ListRequest):
    """`POST /deployments/filter`."""

    deployments: DeploymentFilter | None = None
    flows: NameFilter | None = None
    flow_runs: None = None
    task_runs: None = None
    work_pools: NameFilter | None = None
    work_pool_queues: None = None
    sort: str | None = None
