"""`headrace deployment schedule`: when runs of a deployment come about by themselves."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headrace.cli.app import new_group
from headrace.cli.commands import schedule_times
from headrace.cli.connect import checked, connect, given
from headrace.cli.errors import BadUsage
from headrace.cli.lookup import deployment_reference, find_deployment, find_schedules, full_name
from headrace.cli.options import DeploymentName, Output, Param, Params
from headrace.cli.output import Format, report
from headrace.cli.schedules import Cron, Interval, RRule, TimeZone, describe, read_schedule, read_times
from headrace.cli.tables import ID, Column, listing
from headrace.cli.times import parse_duration, show_moment
from headrace.cli.values import merge_parameters

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.client.api import Api
    from headrace.contract.deployments import Deployment
    from headrace.contract.schedules import Schedule

app = new_group()
app.command("preview")(schedule_times.preview)
app.command("verify")(schedule_times.verify)

Slug = Annotated[str, typer.Argument(help="Slug of the schedule.", show_default=False)]
COLUMNS = (
    Column("Slug", style="bold"),
    Column("Schedule"),
    Column("Active"),
    Column("Next", solid=True),
    ID,
)


class CatchUp(StrEnum):
    """What becomes of occurrences that nothing could start in time."""

    LATEST = "latest"
    ALL = "all"
    NONE = "none"


class Overlap(StrEnum):
    """What an occurrence does while the schedule's last run goes on."""

    ALLOW = "allow"
    SKIP = "skip"
    CANCEL_RUNNING = "cancel_running"


class Dst(StrEnum):
    """Which of two equal wall-clock times a cron schedule takes."""

    FIRST = "first"
    SECOND = "second"
    BOTH = "both"
    SKIP = "skip"


Anchor = Annotated[
    str | None, typer.Option("--anchor", help="A time that --interval counts from.", metavar="TIME")
]
OwnSlug = Annotated[str | None, typer.Option("--slug", help="Its name within the deployment.")]
Replaces = Annotated[
    str | None, typer.Option("--replaces", help="The schedule it takes the place of.", metavar="SLUG")
]
Jitter = Annotated[
    str | None, typer.Option("--jitter", help="Start up to so much later.", metavar="DURATION")
]
AfterOutage = Annotated[
    CatchUp | None, typer.Option("--catchup", help="After an outage: run which missed times.")
]
MaxLateness = Annotated[
    str | None, typer.Option("--max-lateness", help="Skip a run that is later than this.", metavar="DURATION")
]
WhileRunning = Annotated[Overlap | None, typer.Option("--overlap", help="While the last run goes on.")]
ClockChange = Annotated[
    Dst | None, typer.Option("--dst", help="Which of two equal times, when clocks go back.")
]
Inactive = Annotated[bool, typer.Option("--inactive", help="Make it paused.")]


@app.command()
def create(
    name: DeploymentName,
    *,
    cron: Cron = None,
    interval: Interval = None,
    rrule: RRule = None,
    timezone: TimeZone = None,
    anchor: Anchor = None,
    slug: OwnSlug = None,
    replaces: Replaces = None,
    param: Param = None,
    params: Params = None,
    jitter: Jitter = None,
    catchup: AfterOutage = None,
    max_lateness: MaxLateness = None,
    overlap: WhileRunning = None,
    dst: ClockChange = None,
    inactive: Inactive = False,
    output: Output = Format.TABLE,
) -> None:
    """Add a schedule to a deployment."""
    members = given(
        slug=slug,
        replaces=replaces,
        jitter=_seconds(jitter, "--jitter"),
        catchup=catchup,
        max_lateness=_seconds(max_lateness, "--max-lateness"),
        overlap=overlap,
        dst=dst,
        active=False if inactive else None,
    )
    times = read_times(cron, interval, rrule, timezone, anchor)
    deployment, made = _add(name, times, members, partial(merge_parameters, params, param or []))
    place = full_name(deployment)
    report(output, made, *(f"Added schedule {each.slug!r} ({describe(each)}) to {place!r}." for each in made))


def _add(
    name: str,
    times: dict[str, Any] | None,
    members: dict[str, Any],
    parameters: Callable[..., dict[str, Any]],
) -> tuple[Deployment, list[Schedule]]:
    """Check all that can be checked here, then send it; the deployment's schema tells which parameters are text."""
    deployment_reference(name)
    if times is None:
        raise BadUsage("The schedule says no times.", "Give one of --cron, --interval and --rrule.")
    read_schedule(times, **members, parameters=parameters())
    with connect() as api:
        deployment = find_deployment(api, name)
        values = parameters(deployment.parameter_openapi_schema)
        wanted = read_schedule(times, **members, parameters=values)
        return deployment, api.schedules.create(deployment.id, [wanted])


def _seconds(text: str | None, option: str) -> float | None:
    return None if text is None else parse_duration(text, option).total_seconds()


@app.command("ls")
def list_(name: DeploymentName, *, output: Output = Format.TABLE) -> None:
    """List the schedules of a deployment."""
    deployment_reference(name)
    with connect() as api:
        deployment, schedules = find_schedules(api, name, None)
        coming = {} if output is Format.JSON else {s.id: _next(api, s) for s in schedules}
    if deployment.paused:
        schedule_times.note_pauses(deployment, ())
    listing(
        output,
        schedules,
        COLUMNS,
        lambda s: [s.slug, describe(s), s.active, show_moment(coming[s.id]), s.id],
        f"No schedules. Make one: headrace deployment schedule create {name} --interval 15m",
    )


def _next(api: Api, schedule: Schedule) -> datetime | None:
    """When its next run is due, be it made already or not; `next_due` is the first that is not made yet."""
    if not schedule.active:
        return schedule.next_due
    now = datetime.now(UTC)
    found = api.schedules.upcoming(
        schedule.deployment_id, schedule.id, now, now + 366 * schedule_times.DAY, 1
    )
    return found[0].due if found else schedule.next_due


@app.command()
def pause(name: DeploymentName, slug: Slug, *, output: Output = Format.TABLE) -> None:
    """Make no more runs by a schedule; those made that have not started are taken back."""
    _switch(name, slug, output, active=False)


@app.command()
def resume(name: DeploymentName, slug: Slug, *, output: Output = Format.TABLE) -> None:
    """Make runs by a schedule again."""
    _switch(name, slug, output, active=True)


@app.command()
def delete(name: DeploymentName, slug: Slug, *, output: Output = Format.TABLE) -> None:
    """Delete a schedule, with those of its runs that have not started."""
    deployment_reference(name)
    with connect() as api:
        deployment, (schedule,) = find_schedules(api, name, slug)
        api.schedules.delete(deployment.id, schedule.id)
    report(output, schedule, f"Deleted schedule {slug!r} of {full_name(deployment)!r}.")


def _switch(name: str, slug: str, output: Format, *, active: bool) -> None:
    from headrace.contract.schedules import ScheduleUpdate

    deployment_reference(name)
    with connect() as api:
        deployment, (schedule,) = find_schedules(api, name, slug)
        api.schedules.update(deployment.id, schedule.id, checked(ScheduleUpdate, active=active))
        _, (schedule,) = find_schedules(api, str(deployment.id), str(schedule.id))
    report(
        output,
        schedule,
        f"{'Resumed' if active else 'Paused'} schedule {slug!r} of {full_name(deployment)!r}.",
    )
