"""`headrace deployment backfill`: the runs of a schedule's past occurrences, each made once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headrace.cli.connect import connect
from headrace.cli.deploying.terminal import is_interactive
from headrace.cli.errors import BadUsage, CliError
from headrace.cli.lookup import deployment_reference, find_schedules, full_name
from headrace.cli.options import DeploymentName, JobVariable, Output, Param, Params, Tag
from headrace.cli.output import Format, note, print_json, report
from headrace.cli.tables import Column, print_table
from headrace.cli.times import parse_moment, show_moment
from headrace.cli.values import merge_parameters, read_pairs

if TYPE_CHECKING:
    from headrace.client.api import Api
    from headrace.contract.deployments import Deployment
    from headrace.contract.schedules import Occurrence, Schedule

ASKED_ABOVE = 100
"""More runs than that are only made after a yes."""
PAGE = 1000
"""Occurrences that one `verify` lists."""
BATCH = 200
"""Runs of one request: after a Ctrl-C so many are made at most that were not counted."""
FAILED = ("FAILED", "CRASHED", "CANCELLED")
COLUMNS = (Column("Due", solid=True), Column("Run", solid=True), Column("State"), Column("To do", solid=True))
Slug = Annotated[
    str | None,
    typer.Option("--schedule", help="Slug of the schedule; the only one if left out.", metavar="SLUG"),
]
AtOnce = Annotated[
    int | None,
    typer.Option("--limit", help="How many of them may go at once.", min=1, max=5000, metavar="N"),
]
Queue = Annotated[
    str | None,
    typer.Option("--work-queue", help="Another queue of the pool than the deployment's.", metavar="NAME"),
]


@dataclass(frozen=True)
class Plan:
    """What is to be done with each occurrence of a period."""

    deployment: Deployment
    schedule: Schedule
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


def backfill(
    name: DeploymentName,
    *,
    slug: Slug = None,
    start: Annotated[str, typer.Option("--from", help="Begin of the period, ISO 8601.", metavar="TIME")],
    end: Annotated[
        str, typer.Option("--to", help="End of the period, ISO 8601; now if left out.", metavar="TIME")
    ] = "now",
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

    An occurrence that ran is kept, one that was skipped runs now. After a Ctrl-C the same command goes on.
    """
    deployment_reference(name)
    first, last = _period(start, end, datetime.now(UTC))
    members: dict[str, Any] = {"tags": tag or []}
    if job_variable:
        members["job_variables"] = read_pairs(job_variable, "--job-variable")
    if queue is not None:
        members["work_queue_name"] = queue
    members["parameters"] = merge_parameters(params, param or [])
    with connect() as api:
        plan = _plan(api, name, slug, (first, last), rerun=rerun)
        members["parameters"] = merge_parameters(
            params, param or [], plan.deployment.parameter_openapi_schema
        )
        if dry_run:
            _show(plan, output)
            return
        _ask(plan, output, yes=yes)
        if limit is not None and plan.count:
            members["tags"] = [*members["tags"], _limited(api, plan.schedule, limit)]
        made, again = _carry_out(api, plan, members, reverse=reverse)
    summary = {"schedule": plan.schedule.slug, "made": made, "run_again": again, "kept": len(plan.kept)}
    report(
        output,
        summary,
        f"Made {made} runs of {full_name(plan.deployment)!r} for schedule {plan.schedule.slug!r}; "
        f"{again} run again, {len(plan.kept)} were there.",
    )


def _period(start: str, end: str, now: datetime) -> tuple[datetime, datetime]:
    first, last = parse_moment(start, "--from", now), parse_moment(end, "--to", now)
    if last > now:
        raise BadUsage("--to lies in the future.", "A schedule makes the runs to come by itself.")
    if last <= first:
        raise BadUsage("The period ends before it begins.", "Give a --to that is later than --from.")
    return first, last


def _plan(api: Api, name: str, slug: str | None, period: tuple[datetime, datetime], *, rerun: bool) -> Plan:
    deployment, schedules = find_schedules(api, name, slug)
    if len(schedules) != 1:
        known = ", ".join(each.slug for each in schedules)
        which = f"has several schedules: {known}" if known else "has no schedule"
        raise CliError(
            f"{full_name(deployment)!r} {which}.", "Say which one with --schedule." if known else None
        )
    plan = Plan(deployment, schedules[0], [], [], [])
    for one in _occurrences(api, deployment, schedules[0], *period):
        if one.flow_run_id is None:
            plan.missing.append(one)
        elif one.state_name == "Skipped" or (rerun and one.state_type in FAILED):
            plan.again.append(one)
        else:
            plan.kept.append(one)
    return plan


def _occurrences(
    api: Api, deployment: Deployment, schedule: Schedule, first: datetime, last: datetime
) -> Iterator[Occurrence]:
    """All occurrences of a period with their runs, page after page."""
    while first <= last:
        page = api.schedules.verify(deployment.id, schedule.id, first, last)
        yield from page
        if len(page) < PAGE:
            return
        first = page[-1].due + timedelta(microseconds=1)


def _show(plan: Plan, output: Format) -> None:
    rows = plan.rows()
    if output is Format.JSON:
        print_json([{**one.model_dump(mode="json"), "to_do": what} for one, what in rows])
        return
    cells = [[show_moment(one.due), one.flow_run_id, one.state_name, what] for one, what in rows]
    print_table(COLUMNS, cells, "The schedule has no occurrence in this period.")
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
        raise BadUsage(f"{plan.count} runs would start.", "Say --yes, or look first with --dry-run.")
    typer.confirm(f"Start {plan.count} runs?", abort=True)


def _limited(api: Api, schedule: Schedule, limit: int) -> str:
    """A tag with a concurrency limit of its own, made or brought up to that number."""
    from headrace.client.errors import Conflict
    from headrace.contract.limits import ConcurrencyLimitCreate, ConcurrencyLimitUpdate

    tag = f"backfill-{schedule.id}"
    try:
        api.limits.create(ConcurrencyLimitCreate(name=tag, limit=limit))
    except Conflict:
        api.limits.update(tag, ConcurrencyLimitUpdate(limit=limit))
    note(f"Tag {tag!r} lets {limit} go at once; afterwards: headrace concurrency-limit delete {tag}")
    return tag


def _carry_out(api: Api, plan: Plan, members: dict[str, Any], *, reverse: bool) -> tuple[int, int]:
    """Make and start again, batch by batch: (runs made, runs started again)."""
    made = again = 0
    missing = sorted(plan.missing, key=lambda one: one.due, reverse=reverse)
    try:
        for batch in _batches(missing):
            made += _make(api, plan, batch, members)
            _progress(made + again, plan.count)
        for one in sorted(plan.again, key=lambda one: one.due, reverse=reverse):
            again += _start_again(api, one)
        if again:
            _progress(made + again, plan.count)
    except KeyboardInterrupt:
        note(f"Stopped at {made + again} of {plan.count}. The same command goes on.")
        raise
    return made, again


def _batches(occurrences: Sequence[Occurrence]) -> Iterator[Sequence[Occurrence]]:
    for at in range(0, len(occurrences), BATCH):
        yield occurrences[at : at + BATCH]


def _make(api: Api, plan: Plan, batch: Sequence[Occurrence], members: dict[str, Any]) -> int:
    from headrace.contract.bulk_runs import BulkCreate

    rows = [{**members, "occurrence": {"schedule_slug": one.schedule_slug, "time": one.due}} for one in batch]
    body = BulkCreate.model_validate({"flow_runs": rows})
    return api.deployments.run_many(plan.deployment.id, body).made


def _start_again(api: Api, one: Occurrence) -> bool:
    from headrace.contract.flow_runs import SetState, StateCreate
    from headrace.contract.states import StateType

    if one.flow_run_id is None:
        return False
    state = StateCreate(type=StateType.SCHEDULED, message="Started again by a backfill.")
    api.runs.set_state(one.flow_run_id, SetState(state=state, force=True))
    return True


def _progress(done: int, count: int) -> None:
    if count > BATCH:
        note(f"{done} of {count}")
