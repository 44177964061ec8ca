"""Workers and their sessions."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from pydantic import Field

from headrace.contract.base import And, Answer, Counter, ListRequest, Name, Request, StepName, Time
from headrace.contract.sizes import WORKER_LIMIT


class WorkerStatus(StrEnum):
    """ONLINE while the session's lease runs."""

    ONLINE = "ONLINE"
    OFFLINE = "OFFLINE"


class WorkerHeartbeat(Request):
    """`POST /work_pools/{pool}/workers/heartbeat`: Prefect's own workers' sign of life."""

    name: StepName
    heartbeat_interval_seconds: int | None = Field(default=30, ge=1, le=86_400)


class Worker(Answer):
    """A worker of a pool, by name."""

    id: UUID
    created: Time
    updated: Time
    name: str
    work_pool_id: UUID
    last_heartbeat_time: Time | None = None
    heartbeat_interval_seconds: int | None = None
    status: WorkerStatus = WorkerStatus.OFFLINE
    session_id: UUID | None = None
    work_queues: list[str] = Field(default_factory=list)
    limit: int | None = None
    host: str | None = None
    version: str | None = None


class WorkerFilter(Request):
    """`POST /work_pools/{pool}/workers/filter`."""

    operator: And = "and_"
    status: StatusFilter | None = None
    last_heartbeat_time: None = None


class StatusFilter(Request):
    """Workers in one of these statuses."""

    any_: list[WorkerStatus] | None = None
    not_any_: None = None


class WorkerList(ListRequest):
    """`POST /work_pools/{pool}/workers/filter`."""

    workers: WorkerFilter | None = None


class WorkerInfo(Request):
    """What a worker says of itself when it registers."""

    type: str = Field(default="process", max_length=50)
    version: str = Field(default="", max_length=100)
    host: str = Field(default="", max_length=300)
    pid: int | None = Field(default=None, ge=0, le=2**63)
    platform: str = Field(default="", max_length=300)
    python: str = Field(default="", max_length=100)
    limit: int = Field(default=1, ge=1, le=WORKER_LIMIT)
    work_queues: list[Name] = Field(default_factory=list, max_length=100)


class RunRef(Request):
    """One attempt of a run: the fencing token that every report carries."""

    run: UUID
    attempt: Counter


class Register(Request):
    """`POST /work_pools/{pool}/workers/{worker}/sessions`: one start of a worker.

    `session` is made by the worker (uuid4), so repeating the call is harmless. `predecessor` names the
    session that this start follows under the same name; `lost` the runs of it that nobody keeps any more.
    """

    session: UUID
    info: WorkerInfo
    predecessor: UUID | None = None
    lost: list[RunRef] = Field(default_factory=list, max_length=1000)


class QueueAddress(Answer):
    """Where a work queue's doorbells arrive."""

    name: str
    url: str
    priority: int


class SqsAccess(Answer):
    """How to reach SQS. `endpoint_url` is set by the embedded control plane; `None` means AWS itself.

    `credentials_needed`: the embedded SQS asks for the credentials that `POST .../credentials` gives.
    """

    region: str
    endpoint_url: str | None = None
    credentials_needed: bool = False


class AwsCredentials(Answer):
    """`POST /work_pools/{pool}/workers/{worker}/credentials`: for the queues of that pool, and for a while."""

    access_key_id: str
    secret_access_key: str = Field(repr=False)
    session_token: str = Field(repr=False)
    expiration: Time
    lifetime_seconds: float


class Registered(Answer):
    """The answer to `Register`."""

    session: UUID
    work_pool_name: str
    type: str
    lease_seconds: float
    sync_within_seconds: float
    idle_sync_seconds: float
    pool_revision: int
    queues: list[QueueAddress]
    control_queue_url: str
    sqs: SqsAccess


WorkerFilter.model_rebuild()
WorkerList.model_rebuild()
