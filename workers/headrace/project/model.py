"""`headrace.yaml` as a model: what a project says of its deployments. The published JSON Schema is made from it."""

from __future__ import annotations

import shlex
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from headrace.contract.base import YEAR, Json, Name, pattern
from headrace.contract.deployments import CollisionStrategy, Entrypoint, RetryPolicy
from headrace.contract.schedules import (
    CronSchedule,
    IntervalSchedule,
    RRuleSchedule,
    ScheduleCreate,
    ScheduleOptions,
    Slug,
)

Step = Annotated[dict[str, Json | None], Field(min_length=1, max_length=1)]
"""One step: its name, and under it its options."""
Steps = Annotated[list[Step], Field(max_length=50)]
FullName = Annotated[
    str,
    StringConstraints(pattern=pattern(r"^[^/]+/[^/]+$", "must be a full name, flow/name"), max_length=401),
]
TagList = Annotated[
    list[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]],
    Field(max_length=50),
]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ScheduleEntry(ScheduleOptions):
    """A schedule: exactly one of `cron`, `interval` (seconds) and `rrule`, and its options beside it."""

    cron: str | None = Field(default=None, description="Five fields, as in '0 9 * * mon-fri', or @daily.")
    interval: float | None = Field(default=None, ge=1, description="Seconds between runs.")
    rrule: str | None = Field(default=None, description="An RFC 5545 rule, as in FREQ=WEEKLY;BYDAY=MO.")
    timezone: str | None = Field(default=None, description="An IANA zone, as in Europe/Berlin; else UTC.")
    anchor_date: str | None = Field(default=None, description="A moment that `interval` counts from.")
    day_or: bool = Field(default=True, description="Cron: whether day of month OR day of week is enough.")
    active: bool | None = Field(
        default=None, description="If left out, a pause stays, and a new one is active."
    )
    max_scheduled_runs: int | None = Field(default=None, ge=1)
    parameters: Json = Field(default_factory=dict)
    slug: Slug | None = Field(default=None, description="Its name within the deployment.")
    replaces: Slug | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> ScheduleEntry:
        used = [kind for kind in ("cron", "interval", "rrule") if getattr(self, kind) is not None]
        if len(used) != 1:
            said = f"{' and '.join(used)} contradict each other" if used else "it says no times"
            raise ValueError(f"{said}: give one of cron, interval and rrule")
        if self.anchor_date is not None and self.interval is None:
            raise ValueError("anchor_date belongs to interval alone")
        self.request()
        return self

    def request(self) -> ScheduleCreate:
        """The schedule as the API takes it."""
        options = self.model_dump(
            exclude={"cron", "interval", "rrule", "timezone", "anchor_date", "day_or"}, exclude_unset=True
        )
        inner: CronSchedule | IntervalSchedule | RRuleSchedule
        if self.cron is not None:
            inner = CronSchedule(cron=self.cron, timezone=self.timezone, day_or=self.day_or)
        elif self.rrule is not None:
            inner = RRuleSchedule(rrule=self.rrule, timezone=self.timezone)
        else:
            members = {"interval": self.interval, "timezone": self.timezone, "anchor_date": self.anchor_date}
            inner = IntervalSchedule.model_validate(members)
        return ScheduleCreate(schedule=inner, **options)


class WorkPoolEntry(_Part):
    """Where runs go, and what their jobs get."""

    name: Name | None = None
    work_queue_name: Name | None = None
    job_variables: Json = Field(default_factory=dict)


class ConcurrencyEntry(_Part):
    """How a deployment's concurrency limit behaves."""

    collision_strategy: CollisionStrategy = CollisionStrategy.ENQUEUE


class Shared(_Part):
    """What `defaults` and every deployment may say."""

    description: str | None = Field(default=None, max_length=10_000)
    version: str | None = Field(default=None, max_length=200)
    tags: TagList | None = None
    parameters: Json = Field(default_factory=dict)
    enforce_parameter_schema: bool | None = None
    work_pool: WorkPoolEntry = Field(default_factory=WorkPoolEntry)
    schedules: Annotated[list[ScheduleEntry], Field(max_length=40)] | None = None
    concurrency_limit: int | None = Field(default=None, ge=0, le=5000)
    concurrency_options: ConcurrencyEntry | None = None
    retry_policy: RetryPolicy | None = None
    timeout: float | None = Field(
        default=None, gt=0, le=YEAR, description="Seconds; the flow's own if left out."
    )
    paused: bool | None = Field(default=None, description="Left as it is if not said.")
    labels: dict[str, str | int | float | bool] | None = Field(
        default=None,
        description="Names and values; those that others gave the deployment stay.",
        max_length=50,
    )
    path: str | None = Field(
        default=None, max_length=4000, description="The folder to go to, from where the pull steps end."
    )
    pull: Steps | None = Field(default=None, description="How a worker gets the code.")
    build: Steps | None = Field(default=None, description="What to do here before deploying.")
    push: Steps | None = Field(default=None, description="What to do here after building.")


class DeploymentEntry(Shared):
    """One deployment: of a flow's function, or of a command."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"oneOf": [{"required": ["entrypoint"]}, {"required": ["command"]}]},
    )

    name: Name
    entrypoint: Entrypoint | None = Field(
        default=None, description="path/file.py:function or package.module:function."
    )
    command: str | None = Field(
        default=None,
        min_length=1,
        max_length=10_000,
        description="Any program with its arguments, run instead of a Python flow; its exit code decides.",
    )
    flow_name: Name | None = Field(
        default=None,
        description="The name of the flow: only to be sure with an entrypoint; the deployment's name if it is a "
        "command and this is left out.",
    )
    renamed_from: FullName | None = Field(
        default=None, description="The full name it had before (flow/name): that one is deleted."
    )

    @model_validator(mode="after")
    def _something_to_run(self) -> DeploymentEntry:
        if self.entrypoint is None and self.command is None:
            raise ValueError("lacks 'entrypoint', or 'command' for what is no Python flow")
        if self.entrypoint is not None and self.command is not None:
            raise ValueError("has 'entrypoint' and 'command', of which only one can run: leave one out")
        try:
            shlex.split(self.command or "")
        except ValueError as error:
            raise ValueError(
                f"the command cannot be split into words: {error}; close what it quotes"
            ) from None
        return self


class Project(_Part):
    """A `headrace.yaml`."""

    name: Name = Field(description="The project's name: deployments carry it, and `--sync` goes by it.")
    defaults: Shared = Field(
        default_factory=Shared, description="What every deployment has that says nothing else."
    )
    deployments: list[DeploymentEntry] = Field(default_factory=list, max_length=1000)
    build: Steps | None = None
    push: Steps | None = None
    pull: Steps | None = None
    definitions: dict[str, Any] | None = Field(default=None, description="A place for YAML anchors.")
    format: Literal[1] = 1
