"""`headrace deployment schedule preview|verify`: the moments at which a schedule is due, and their runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from headrace.cli.connect import connect
from headrace.cli.errors import FAILURE, BadUsage
from headrace.cli.lookup import deployment_reference, find_schedules, quoted_name
from headrace.cli.options import DeploymentName, Output
from headrace.cli.output import Format, note, print_json
from headrace.cli.tables import Column, listing, print_table
from headrace.cli.times import parse_moment, show_moment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from headrace.client.api import Api
    from headrace.contract.deployments import Deployment
    from headrace.contract.schedules import Occurrence, Schedule

Slug = Annotated[
    str | None, typer.Argument(help="Slug of one schedule; all of them if left out.", show_default=False)
]
Start = Annotated[str | None, typer.Option("--from", help="Begin of the period, ISO 8601.", metavar="TIME")]
End = Annotated[
    str | None, typer.Option("--to", help="End of the period, ISO 8601 or 'in 2d'.", metavar="TIME")
]
COLUMNS = (Column("Due", solid=True), Column("Schedule", style="bold"))
PREVIEW_COLUMNS = (*COLUMNS, Column("Expression"))
RUN_COLUMNS = (*COLUMNS, Column("Run", solid=True), Column("State", solid=True))
UNCHANGED = "No run was due since the last change of the schedule, or in the last day. See --from for more."
DAY = timedelta(days=1)


def preview(
    name: DeploymentName,
    slug: Slug = None,
    *,
    start: Start = None,
    end: End = None,
    limit: Annotated[int, typer.Option("--limit", help="How many to show.", min=1, max=1000)] = 20,
    output: Output = Format.TABLE,
) -> None:
    """Show when runs will come about, in the schedule's zone; nothing is made.

    By the active schedules, or by the one named.
    """
    from headrace.cli.periods import show_there, zone_of
    from headrace.cli.schedules import describe

    now = datetime.now(UTC)
    after, before = _period(start, end, now, default=(now, now + 366 * DAY))

    def coming(api: Api, schedule: Schedule) -> list[Occurrence]:
        if not schedule.active and slug is None:
            return []
        return api.schedules.upcoming(schedule.deployment_id, schedule.id, after, before, limit)

    deployment, schedules, times = _ask(name, slug, coming)
    found = times[:limit]
    note_pauses(deployment, schedules)
    by_slug = {each.slug: each for each in schedules}

    def row(each: Occurrence) -> list[object]:
        schedule = by_slug[each.schedule_slug]
        return [show_there(each.due, zone_of(schedule)), each.schedule_slug, describe(schedule)]

    listing(
        output,
        found,
        PREVIEW_COLUMNS,
        row,
        "No run comes about in this period.",
    )


def verify(
    name: DeploymentName,
    slug: Slug = None,
    *,
    start: Start = None,
    end: End = None,
    output: Output = Format.TABLE,
) -> None:
    """List each moment of a period with its one run; fails if one lacks it.

    The period is the last day if nothing is given, or what has passed of it since the schedule was last changed.
    """
    now = datetime.now(UTC)
    after, before = _period(start, end, now, default=(now - DAY, now))

    def past(api: Api, schedule: Schedule) -> list[Occurrence]:
        first = max(after, schedule.updated) if start is None else after
        if first >= before:
            return []
        return list(api.schedules.verify(schedule.deployment_id, schedule.id, first, before))

    *_, found = _ask(name, slug, past)
    missing = [each for each in found if each.flow_run_id is None]
    if output is Format.JSON:
        print_json(found)
    else:
        rows = [
            [show_moment(e.due), e.schedule_slug, e.flow_run_id or "missing", e.state_name] for e in found
        ]
        print_table(RUN_COLUMNS, rows, "No run was due in this period." if start else UNCHANGED)
    if missing:
        note(f"Error: {len(missing)} of {len(found)} moments have no run.")
        raise typer.Exit(FAILURE)


def _period(
    start: str | None, end: str | None, now: datetime, default: tuple[datetime, datetime]
) -> tuple[datetime, datetime]:
    after = default[0] if start is None else parse_moment(start, "--from", now)
    before = default[1] if end is None else parse_moment(end, "--to", now)
    if before <= after:
        raise BadUsage("The period ends before it begins.", "Give a --to that is later than --from.")
    return after, before


def _ask(
    name: str, slug: str | None, question: Callable[[Api, Schedule], list[Occurrence]]
) -> tuple[Deployment, list[Schedule], list[Occurrence]]:
    """Ask for each schedule in question, and put the answers in the order of time."""
    deployment_reference(name)
    with connect() as api:
        deployment, schedules = find_schedules(api, name, slug)
        found = [each for schedule in schedules for each in question(api, schedule)]
    return deployment, schedules, sorted(found, key=lambda each: (each.due, each.schedule_slug))


def note_pauses(deployment: Deployment, schedules: Sequence[Schedule]) -> None:
    """Say beside the times why they will not come about."""
    name = quoted_name(deployment)
    if deployment.paused:
        note(f"The deployment is paused: no run comes about. Go on with: headrace deployment resume {name}")
    for paused in (schedule for schedule in schedules if not schedule.active):
        note(
            f"Schedule {paused.slug!r} is paused. Go on with: headrace deployment schedule resume {name} {paused.slug}"
        )
