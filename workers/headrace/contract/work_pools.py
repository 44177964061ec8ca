"""Work pools and their queues, as in Prefect 3."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from pydantic import Field

from headrace.contract.base import And, Answer, Json, ListRequest, Request, StepName, Time


class PoolStatus(StrEnum):
    """READY while a worker is online, NOT_READY otherwise, PAUSED when told to start nothing."""

    READY = "READY"
    NOT_READY = "NOT_READY"
    PAUSED = "PAUSED"


class WorkPoolCreate(Request):
    """`POST /work_pools/`."""

    name: StepName
    type: str = Field(default="process", min_length=1, max_length=50)
    description: str | None = Field(default=None, max_length=2000)
    base_job_template: Json = Field(default_factory=dict)
    is_paused: bool = False
    concurrency_limit: int | None = Field(default=None, ge=0, le=5000)
    storage_configuration: Json | None = None
    idempotency_key: str | None = Field(default=None, min_length=1, max_length=500)


class WorkPoolUpdate(Request):
    """`PATCH /work_pools/{pool}`: only the members given are changed."""

    description: str | None = Field(default=None, max_length=2000)
    is_paused: bool | None = None
    base_job_template: Json | None = None
    concurrency_limit: int | None = Field(default=None, ge=0, le=5000)
    storage_configuration: Json | None = None


class WorkPool(Answer):
    """A typed group of queues that workers serve."""

    id: UUID
    created: Time
    updated: Time
    name: str
    type: str
    description: str | None = None
    is_paused: bool = False
    concurrency_limit: int | None = None
    base_job_template: Json = Field(default_factory=dict)
    status: PoolStatus = PoolStatus.NOT_READY
    default_queue_id: UUID | None = None
    active_slots: int | None = None


class WorkPoolList(ListRequest):
    """`POST /work_pools/filter`."""

    work_pools: NameFilter | None = None


class MisfitList(ListRequest):
    """`POST /work_pools/{pool}/misfits/filter`. A page looks at `limit` deployments, so it may be short."""


class Misfit(Answer):
    """A deployment of a pool whose job variables do not fit the pool's job template, and why."""

    deployment_id: UUID
    deployment: str
    problem: str


class WorkQueueCreate(Request):
    """`POST /work_pools/{pool}/queues`. Priority 1 is served first."""

    name: StepName
    description: str | None = Field(default="", max_length=2000)
    is_paused: bool = False
    concurrency_limit: int | None = Field(default=None, ge=0, le=5000)
    priority: int | None = Field(default=None, ge=1, le=1_000_000)
    filter: None = None
    idempotency_key: str | None = Field(default=None, min_length=1, max_length=500)


class WorkQueueUpdate(Request):
    """`PATCH /work_queues/{id}`: only the members given are changed."""

    description: str | None = Field(default=None, max_length=2000)
    is_paused: bool | None = None
    concurrency_limit: int | None = Field(default=None, ge=0, le=5000)
    priority: int | None = Field(default=None, ge=1, le=1_000_000)


class WorkQueue(Answer):
    """Part of a pool, with a priority and an SQS queue of its own."""

    id: UUID
    created: Time
    updated: Time
    name: str
    description: str | None = ""
    is_paused: bool = False
    concurrency_limit: int | None = None
    priority: int = 1
    work_pool_id: UUID
    work_pool_name: str
    last_polled: Time | None = None
    status: PoolStatus = PoolStatus.NOT_READY


class WorkQueueStatus(Answer):
    """`GET /work_queues/{id}/status`."""

    healthy: bool
    late_runs_count: int
    last_polled: Time | None = None


class WorkQueueList(ListRequest):
    """`POST /work_queues/filter` and `POST /work_pools/{pool}/queues/filter`."""

    work_queues: NameFilter | None = None


class AnyOf(Request):
    """Matches a row whose field is one of these. `None` matches all."""

    any_: list[str] | None = Field(default=None, max_length=200)
    like_: None = None


class NameFilter(Request):
    """Filter of pools, queues and flows: by name or by id."""

    operator: And = "and_"
    id: AnyOf | None = None
    name: AnyOf | None = None
    type: None = None
    tags: None = None
    deployment: None = None


class Page(Request):
    """The page and length asked of a concurrency status."""

    page: int = Field(default=1, ge=1, le=50)
    limit: int = Field(default=20, ge=1, le=200)
    flow_run_limit: int = Field(default=20, ge=1, le=200)


class DeleteOptions(Request):
    """What to do with waiting runs when a pool, queue or deployment goes: refuse (default), cancel or move."""

    cancel_runs: bool = False
    move_to: str | None = None


class ConcurrencyStatus(Answer):
    """`POST .../concurrency_status`: a limit and the runs that hold it."""

    concurrency_limit: int | None = None
    active_slots: int = 0
    flow_run_ids: list[UUID] = Field(default_factory=list)


WorkPoolList.model_rebuild()
WorkQueueList.model_rebuild()
