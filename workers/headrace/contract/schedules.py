"""Schedules of a deployment, as in Prefect 3 with Headrace's own options beside them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from headrace.contract.base import YEAR, Answer, Json, Request, Time, pattern
from headrace.contract.states import StateType

Slug = Annotated[
    str,
    StringConstraints(
        min_length=1,
        max_length=100,
        pattern=pattern(
            r"^[A-Za-z0-9][A-Za-z0-9_.-]*$",
            "must begin with a letter or digit, and have letters, digits and _ . - alone",
        ),
    ),
]


class CatchUp(StrEnum):
    """What becomes of occurrences whose time passed while nothing could start them."""

    LATEST = "latest"
    ALL = "all"
    NONE = "none"


class Overlap(StrEnum):
    """What an occurrence does while an earlier run of the same schedule is still going."""

    ALLOW = "allow"
    SKIP = "skip"
    CANCEL_RUNNING = "cancel_running"


class Dst(StrEnum):
    """Which of two equal wall-clock times a cron schedule takes, and what becomes of a missing one.

    `first` (default) and `second` choose among repeated times, `both` takes both; with these three a
    missing time runs at the moment the clock jumps. `skip` takes the first and drops missing times.
    """

    FIRST = "first"
    SECOND = "second"
    BOTH = "both"
    SKIP = "skip"


class CronSchedule(Request):
    """Five fields, names and `@daily`-like words allowed."""

    cron: str = Field(min_length=1, max_length=500)
    timezone: str | None = Field(default=None, max_length=100)
    day_or: bool = True


class IntervalSchedule(Request):
    """Every `interval` seconds from `anchor_date` on."""

    interval: float = Field(ge=1)
    anchor_date: Time | None = None
    timezone: str | None = Field(default=None, max_length=100)


class RRuleSchedule(Request):
    """An RFC 5545 rule, with its DTSTART."""

    rrule: str = Field(min_length=1, max_length=6500)
    timezone: str | None = Field(default=None, max_length=100)


AnySchedule = CronSchedule | IntervalSchedule | RRuleSchedule


class ScheduleOptions(Request):
    """What a schedule may say besides its times. Seconds unless said."""

    jitter: float = Field(default=0, ge=0, le=3600)
    catchup: CatchUp = CatchUp.LATEST
    max_lateness: float | None = Field(default=None, gt=0, le=YEAR)
    overlap: Overlap = Overlap.ALLOW
    dst: Dst = Dst.FIRST


class ScheduleCreate(ScheduleOptions):
    """A schedule in `POST /deployments/`, or one member of `POST /deployments/{id}/schedules`.

    Without `active` one that is there stays paused or active, and a new one is active.
    """

    schedule: AnySchedule
    active: bool | None = None
    max_scheduled_runs: int | None = Field(default=None, ge=1)
    parameters: Json = Field(default_factory=dict)
    slug: Slug | None = None
    replaces: Slug | None = None


class ScheduleUpdate(Request):
    """`PATCH /deployments/{id}/schedules/{schedule_id}`: only the members given are changed."""

    schedule: AnySchedule | None = None
    active: bool | None = None
    max_scheduled_runs: int | None = Field(default=None, ge=1)
    parameters: Json | None = None
    slug: Slug | None = None
    jitter: float | None = Field(default=None, ge=0, le=3600)
    catchup: CatchUp | None = None
    max_lateness: float | None = Field(default=None, gt=0, le=YEAR)
    overlap: Overlap | None = None
    dst: Dst | None = None


class Schedule(Answer):
    """A schedule as stored. `revision` rises with every change; runs carry the one that made them."""

    id: UUID
    created: Time
    updated: Time
    deployment_id: UUID
    slug: str
    schedule: AnySchedule
    active: bool = True
    max_scheduled_runs: int | None = None
    parameters: Json = Field(default_factory=dict)
    revision: int = 1
    next_due: Time | None = None
    jitter: float = 0
    catchup: CatchUp = CatchUp.LATEST
    max_lateness: float | None = None
    overlap: Overlap = Overlap.ALLOW
    dst: Dst = Dst.FIRST


MOST_OCCURRENCES = 1000


class Window(Request):
    """The query of `upcoming`: at most `limit` times from `after` to `before`, both included."""

    after: Time | None = None
    before: Time | None = None
    limit: int = Field(default=20, ge=1, le=MOST_OCCURRENCES)


class Period(Window):
    """The query of `verify`: where `limit` rows come, more may follow, and the next `after` is beyond the last one."""

    limit: int = Field(default=MOST_OCCURRENCES, ge=1, le=MOST_OCCURRENCES)


class SchedulePreview(Request):
    """`POST /schedules/preview`: when would a schedule be due that nobody has made yet?"""

    schedule: AnySchedule
    dst: Dst = Dst.FIRST
    after: Time | None = None
    limit: int = Field(default=5, ge=1, le=100)


class ScheduleTimes(Answer):
    """The answer: its next moments, and the zone that its expression is read in."""

    times: list[Time]
    timezone: str


class Occurrence(Answer):
    """One moment at which a schedule is due, with the one run that was made for it, if any was yet."""

    due: Time
    schedule_slug: str
    flow_run_id: UUID | None = None
    state_type: StateType | None = None
    state_name: str | None = None
