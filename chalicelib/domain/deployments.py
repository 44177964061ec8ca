"""Flows, deployments and their schedules, as stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid5

from chalicelib.domain import names, schedules
from chalicelib.domain.retry import RetryPolicy

ENQUEUE = "ENQUEUE"
CANCEL_NEW = "CANCEL_NEW"


@dataclass(frozen=True, slots=True)
class Flow:
    """A name under which runs are grouped."""

    name: str
    created: datetime
    updated: datetime
    tags: Sequence[str] = ()
    labels: Mapping[str, object] = field(default_factory=dict)

    @property
    def id(self) -> UUID:
        """Derived from the name."""
        return names.flow_id(self.name)


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where, when and how a flow runs.

    `version_number` is the version that this is, and `latest_version_number` the highest one given; they differ
    while it is `pinned`, when a deploy makes a version without putting it in force. `version` is a label.
    `other_pools` are those, beside its own, where runs of it may still wait or go on.
    """

    flow_name: str
    name: str
    created: datetime
    updated: datetime
    version: str | None = None
    version_info: Mapping[str, object] | None = None
    description: str | None = None
    paused: bool = False
    paused_since: datetime | None = None
    concurrency_limit: int | None = None
    collision_strategy: str = ENQUEUE
    job_variables: Mapping[str, object] = field(default_factory=dict)
    parameters: Mapping[str, object] = field(default_factory=dict)
    parameter_openapi_schema: Mapping[str, object] | None = None
    enforce_parameter_schema: bool = True
    tags: Sequence[str] = ()
    labels: Mapping[str, object] = field(default_factory=dict)
    work_pool_name: str | None = None
    work_queue_name: str | None = None
    work_queue_url: str | None = None
    path: str | None = None
    entrypoint: str | None = None
    pull_steps: Sequence[Mapping[str, object]] | None = None
    retry_policy: RetryPolicy | None = None
    timeout_seconds: float | None = None
    version_number: int = 0
    latest_version_number: int = 0
    pinned: bool = False
    other_pools: Sequence[str] = ()
    revision: int = 1

    @property
    def id(self) -> UUID:
        """Derived from `flow-name/deployment-name`."""
        return names.deployment_id(self.flow_name, self.name)

    @property
    def flow_id(self) -> UUID:
        """The flow's id."""
        return names.flow_id(self.flow_name)

    @property
    def pools(self) -> tuple[str, ...]:
        """The pools where runs of it may be: its own, and those that it or they were moved from or to."""
        return tuple(dict.fromkeys(filter(None, (self.work_pool_name, *self.other_pools))))

    @property
    def full_name(self) -> str:
        """`flow-name/deployment-name`."""
        return f"{self.flow_name}/{self.name}"


@dataclass(frozen=True, slots=True)
class ScheduleRecord:
    """A schedule of a deployment. `spec` is the wire's inner schedule (cron, interval or rrule).

    `revision` rises with every change, and never starts again for the same slug; runs carry it and a
    claim refuses a run of another one. A deleted schedule stays as a tombstone (`deleted`) for that, and keeps
    whether it was `active`, in case a rollback brings it back.
    """

    deployment_id: UUID
    slug: str
    created: datetime
    updated: datetime
    spec: Mapping[str, object]
    active: bool = True
    parameters: Mapping[str, object] = field(default_factory=dict)
    max_scheduled_runs: int | None = None
    jitter: float = 0.0
    catchup: str = "latest"
    max_lateness: float | None = None
    overlap: str = "allow"
    dst: str = "first"
    next_due: datetime | None = None
    revision: int = 1
    deleted: bool = False

    @property
    def id(self) -> UUID:
        """Derived from the deployment and the slug."""
        return uuid5(self.deployment_id, f"schedule/{self.slug}")


def spec_of(schedule: ScheduleRecord) -> schedules.ScheduleSpec:
    """When a schedule runs, as a value that `schedules` computes with."""
    return schedules.parse(schedule.spec, jitter=schedule.jitter, dst=schedule.dst)
