"""`headrace deployment backfill`: the runs of a schedule's past occurrences, each made once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headrace.cli.connect import connect
from headrace.cli.deploying.terminal import is_interactive
from headrace.cli.errors import BadUsage, CliError
from headrace.cli.lookup import deployment_reference, find_schedules, full_name
from headrace.cli.options import DeploymentName, JobVariable, Output, Param, Params, Tag
from headrace.cli.output import Format, counted, note, print_json, report
from headrace.cli.periods import read_period, show_there, zone_of
from headrace.cli.reruns import refuse_other, start_again
from headrace.cli.tables import Column, print_table
from headrace.cli.times import parse_moment
from headrace.cli.values import merge_parameters, read_pairs

if TYPE_CHECKING:
    from headrace.client.api import Api
    from headrace.contract.deployments import Deployment
    from headrace.contract.schedules import Occurrence, Schedule

ASKED_ABOVE = 100
"""More runs than that are only made after a yes."""
BATCH = 200
"""Runs of one request: after a Ctrl-C so many are made at most that were not counted."""
FAILED = ("FAILED", "CRASHED", "CANCELLED")
COLUMNS = (Column("Run", solid=True), Column("State"), Column("To do", solid=True))
Slug = Annotated[
    str | None,
    typer.Option(
        "--schedule",
        help="Slug of the schedule, as `schedule ls` shows it; the only one if left out.",
        metavar="SLUG",
    ),
]
AtOnce = Annotated[
    int | None,
    typer.Option("--limit", help="How many of them may go at once.", min=1, max=5000, metavar="N"),
]
Queue = Annotated[
    str | None,
    typer.Option("--work-queue", help="Another queue of the pool than the deployment's.", metavar="NAME"),
]

Start = Annotated[
    str, typer.Option("--from", help="Begin of the period: an ISO 8601 date or time.", metavar="TIME")
]
End = Annotated[
    str, typer.Option("--to", help="Its end, included; a date means its whole day.", metavar="TIME")
]


@dataclass(frozen=True)
class Plan:
    """What is to be done with each occurrence of a period."""

    deployment: Deployment
    schedule: Schedule
    zone: tzinfo
    missing: list[Occurrence]
    again: list[Occurrence]
    kept: list[Occurrence]

    @property
    def count(self) -> int:
        """Runs that will start."""
        return len(self.missing) + len(self.again)

    def rows(self) -> list[tuple[Occurrence, str]]:
        """All occurrences in order of time, each with what is to be done."""
        parts = ((self.missing, "make"), (self.again, "run again"), (self.kept, "keep"))
        return sorted(((one, what) for part, what in parts for one in part), key=lambda row: row[0].due)


@dataclass
class Done:
    """How many runs were made, and how many started again, so far."""

    made: int = 0
    again: int = 0

    @property
    def count(self) -> int:
        """Runs that were started."""
        return self.made + self.again


def backfill(
    name: DeploymentName,
    *,
    slug: Slug = None,
    start: Start,
    end: End = "now",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")
    ] = False,
    rerun: Annotated[
        bool, typer.Option("--rerun", help="Also run again those that failed, crashed or were cancelled.")
    ] = False,
    reverse: Annotated[bool, typer.Option("--reverse", help="Start with the latest.")] = False,
    limit: AtOnce = None,
    queue: Queue = None,
    param: Param = None,
    params: Params = None,
    tag: Tag = None,
    job_variable: JobVariable = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=f"Do not ask above {ASKED_ABOVE} runs.")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Make the runs of a schedule's past occurrences that have none.

    Times without a zone are those of the schedule's zone. An occurrence that ran is kept, one that was skipped runs
    now. After a Ctrl-C the same command goes on.
    """
    deployment_reference(name)
    now = datetime.now(UTC)
    for text, option in ((start, "--from"), (end, "--to")):
        parse_moment(text, option, now, UTC)
    members: dict[str, Any] = {"tags": tag or []}
    if job_variable:
        members["job_variables"] = read_pairs(job_variable, "--job-variable")
    if queue is not None:
        members["work_queue_name"] = queue
    members["parameters"] = merge_parameters(params, param or [])
    with connect() as api:
        plan = _plan(api, name, slug, (start, end, now), rerun=rerun)
        members["parameters"] = merge_parameters(
            params, param or [], plan.deployment.parameter_openapi_schema
        )
        if dry_run:
            _show(plan, output)
            return
        refuse_other(api, plan.again, members)
        _ask(plan, output, yes=yes)
        done = _carry_out(api, plan, members, limit if plan.count else None, reverse=reverse)
    kept = len(plan.kept) + len(plan.again) - done.again
    summary = {"schedule": plan.schedule.slug, "made": done.made, "run_again": done.again, "kept": kept}
    report(
        output,
        summary,
        f"Made {counted(done.made, 'run')} of {full_name(plan.deployment)!r} for schedule {plan.schedule.slug!r}; "
        f"{done.again} run again, {kept} were there.",
    )


def _plan(api: Api, name: str, slug: str | None, period: tuple[str, str, datetime], *, rerun: bool) -> Plan:
    """What is to be done from when to when, both as typed, read in the schedule's zone; the third is now."""
    deployment, schedules = find_schedules(api, name, slug)
    if len(schedules) != 1:
        known = ", ".join(each.slug for each in schedules)
        which = f"has several schedules: {known}" if known else "has no schedule"
        raise CliError(
            f"{full_name(deployment)!r} {which}.", "Say which one with --schedule." if known else None
        )
    zone = zone_of(schedules[0])
    plan = Plan(deployment, schedules[0], zone, [], [], [])
    for one in api.schedules.verify(deployment.id, schedules[0].id, *read_period(*period, zone)):
        if one.flow_run_id is None:
            plan.missing.append(one)
        elif one.state_name == "Skipped" or (rerun and one.state_type in FAILED):
            plan.again.append(one)
        else:
            plan.kept.append(one)
    return plan


def _show(plan: Plan, output: Format) -> None:
    rows = plan.rows()
    if output is Format.JSON:
        print_json([{**one.model_dump(mode="json"), "to_do": what} for one, what in rows])
        return
    columns = (Column(f"Due ({plan.zone})", solid=True), *COLUMNS)
    cells = [[show_there(one.due, plan.zone), one.flow_run_id, one.state_name, what] for one, what in rows]
    print_table(columns, cells, "The schedule has no occurrence in this period.")
    note(_counted(plan))


def _counted(plan: Plan) -> str:
    count = plan.count + len(plan.kept)
    return (
        f"{count} occurrence{'' if count == 1 else 's'} of schedule {plan.schedule.slug!r}: "
        f"{len(plan.missing)} to make, {len(plan.again)} to run again, {len(plan.kept)} to keep."
    )


def _ask(plan: Plan, output: Format, *, yes: bool) -> None:
    note(_counted(plan))
    if plan.count <= ASKED_ABOVE or yes:
        return
    if not is_interactive() or output is Format.JSON:
        raise BadUsage(
            f"{counted(plan.count, 'run')} would start.", "Say --yes, or look first with --dry-run."
        )
    typer.confirm(f"Start {counted(plan.count, 'run')}?", abort=True)


def _carry_out(api: Api, plan: Plan, members: dict[str, Any], limit: int | None, *, reverse: bool) -> Done:
    """Make and start again, batch by batch, under a limit of their own if one is asked for."""
    from headrace.client.errors import ApiError

    done = Done()
    tag, is_new = (None, False) if limit is None else _limited(api, plan.schedule, limit)
    if tag is not None:
        members = members | {"tags": [*members["tags"], tag]}
    try:
        _start(api, plan, members, done, reverse=reverse)
    except ApiError as error:
        if tag is not None and is_new and not done.count and 400 <= error.status < 500:
            api.limits.delete(tag)
            note("Nothing was made, and that limit is gone again.")
        raise
    except KeyboardInterrupt:
        note(f"Stopped at {done.count} of {plan.count}. The same command goes on.")
        raise
    return done


def _limited(api: Api, schedule: Schedule, limit: int) -> tuple[str, bool]:
    """A tag with a concurrency limit of its own, brought to that number, and whether the limit is new.

    It is there before the runs are: without it, all that were made meanwhile would start.
    """
    from headrace.client.errors import Conflict
    from headrace.contract.limits import ConcurrencyLimitCreate, ConcurrencyLimitUpdate

    tag, is_new = f"backfill-{schedule.id}", True
    try:
        api.limits.create(ConcurrencyLimitCreate(name=tag, limit=limit))
    except Conflict:
        is_new = False
        api.limits.update(tag, ConcurrencyLimitUpdate(limit=limit))
    note(f"Tag {tag!r} lets {limit} go at once; afterwards: headrace concurrency-limit delete {tag}")
    return tag, is_new


def _start(api: Api, plan: Plan, members: dict[str, Any], done: Done, *, reverse: bool) -> None:
    missing = sorted(plan.missing, key=lambda one: one.due, reverse=reverse)
    for batch in _batches(missing):
        done.made += _make(api, plan, batch, members)
        _progress(done.count, plan.count)
    for one in sorted(plan.again, key=lambda one: one.due, reverse=reverse):
        done.again += start_again(api, one, members)
    if done.again:
        _progress(done.count, plan.count)


def _batches(occurrences: Sequence[Occurrence]) -> Iterator[Sequence[Occurrence]]:
    for at in range(0, len(occurrences), BATCH):
        yield occurrences[at : at + BATCH]


def _make(api: Api, plan: Plan, batch: Sequence[Occurrence], members: dict[str, Any]) -> int:
    from headrace.contract.bulk_runs import BulkCreate

    rows = [{**members, "occurrence": {"schedule_slug": one.schedule_slug, "time": one.due}} for one in batch]
    body = BulkCreate.model_validate({"flow_runs": rows})
    return api.deployments.run_many(plan.deployment.id, body).made


def _progress(done: int, count: int) -> None:
    if count > BATCH:
        note(f"{done} of {count}")
