"""`headrace deploy`: says where, when and how a flow of this folder runs."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from headrace.cli.connect import checked, connect, given
from headrace.cli.errors import BadUsage
from headrace.cli.inspection import FlowFacts, check_entrypoint, inspect_flow
from headrace.cli.lookup import full_name, quoted_name
from headrace.cli.options import JobVariable, Output, Param, Params, Tag
from headrace.cli.output import Format, report
from headrace.cli.schedules import Cron, Interval, RRule, TimeZone, describe, read_schedule, read_times
from headrace.cli.values import merge_parameters, quote, read_pairs

if TYPE_CHECKING:
    from headrace.contract.deployments import Deployment, DeploymentCreate
    from headrace.contract.schedules import ScheduleCreate

NO_FLOW = UUID(int=0)
"""Stands for the flow's id while a request is only checked."""
PULL_STEP = "headrace.deployments.steps.set_working_directory"
"""The code source of this command: workers on this machine run the flow in this very folder."""


class Strategy(StrEnum):
    """What happens to a run that meets the full limit."""

    ENQUEUE = "ENQUEUE"
    CANCEL_NEW = "CANCEL_NEW"


Concurrency = Annotated[
    int | None,
    typer.Option(
        "--concurrency-limit", help="How many of its runs may go at once.", min=0, max=5000, metavar="N"
    ),
]
CollisionStrategy = Annotated[
    Strategy | None, typer.Option("--collision-strategy", help="What a run does that meets the full limit.")
]


Entrypoint = Annotated[
    str, typer.Argument(help="path/file.py:function or package.module:function.", show_default=False)
]
Name = Annotated[str, typer.Option("--name", "-n", help="Name of the deployment.", show_default=False)]
InPool = Annotated[str, typer.Option("--pool", "-p", help="Work pool to run it in.", show_default=False)]
Queue = Annotated[str | None, typer.Option("--queue", "-q", "--work-queue", help="Queue of the pool.")]
Description = Annotated[str | None, typer.Option("--description", help="The flow's own if left out.")]
Version = Annotated[str | None, typer.Option("--version", help="The flow's own if left out.")]
Paused = Annotated[bool, typer.Option("--paused", help="Start no run until it is resumed.")]


def command(
    entrypoint: Entrypoint,
    *,
    name: Name,
    pool: InPool,
    queue: Queue = None,
    param: Param = None,
    params: Params = None,
    tag: Tag = None,
    description: Description = None,
    version: Version = None,
    concurrency_limit: Concurrency = None,
    collision_strategy: CollisionStrategy = None,
    cron: Cron = None,
    interval: Interval = None,
    rrule: RRule = None,
    timezone: TimeZone = None,
    job_variable: JobVariable = None,
    paused: Paused = False,
    output: Output = Format.TABLE,
) -> None:
    """Deploy a flow: say where, when and how it runs. Doing it again brings the deployment up to date."""
    given_parameters = partial(merge_parameters, params, param or [])
    given_parameters()
    members = given(
        name=name,
        work_pool_name=pool,
        work_queue_name=queue,
        tags=tag,
        description=description,
        version=version,
        schedules=read_schedules(cron, interval, rrule, timezone),
        paused=paused or None,
        job_variables=read_pairs(job_variable, "--job-variable") if job_variable else None,
        **read_concurrency(concurrency_limit, collision_strategy),
    )
    facts = _inspect(entrypoint, members)
    members = given(**facts.members()) | members
    members["parameters"] = given_parameters(facts.parameter_openapi_schema)
    deployment, created = _send(facts.flow_name, members)
    report(output, deployment, *_lines(deployment, created=created))


def read_schedules(
    cron: str | None, interval: str | None, rrule: str | None, timezone: str | None
) -> list[ScheduleCreate] | None:
    """The one schedule that the options ask for; nothing leaves an existing deployment's as they are."""
    times = read_times(cron, interval, rrule, timezone)
    return None if times is None else [read_schedule(times)]


def _inspect(entrypoint: str, members: dict[str, Any]) -> FlowFacts:
    """Add where the code is, check all that can be checked without the flow, then load it elsewhere."""
    folder = Path.cwd()
    check_entrypoint(entrypoint, folder)
    members |= {"entrypoint": entrypoint, "pull_steps": [{PULL_STEP: {"directory": str(folder)}}]}
    _body(members, NO_FLOW)
    return inspect_flow(entrypoint, folder)


def read_concurrency(limit: int | None, strategy: Strategy | None) -> dict[str, Any]:
    """The members for a limit on the deployment's runs."""
    if strategy is not None and limit is None:
        raise BadUsage("--collision-strategy says nothing without a limit.", "Give --concurrency-limit too.")
    options = None if strategy is None else {"collision_strategy": strategy.value}
    return given(concurrency_limit=limit, concurrency_options=options)


def _body(members: dict[str, Any], flow_id: UUID) -> DeploymentCreate:
    from headrace.contract.deployments import DeploymentCreate

    return checked(DeploymentCreate, **members, flow_id=flow_id)


def _send(flow_name: str, members: dict[str, Any]) -> tuple[Deployment, bool]:
    """Make the flow and the deployment, or bring them up to date."""
    from headrace.contract.flows import FlowCreate

    flow_body = checked(FlowCreate, name=flow_name)
    with connect() as api:
        api.pools.read(members["work_pool_name"])
        flow = api.flows.create(flow_body).value
        return api.deployments.create(_body(members, flow.id))


def _lines(deployment: Deployment, *, created: bool) -> list[str]:
    """What there is now, and the commands that come next."""
    done = "Created" if created else "Updated"
    queue = deployment.work_queue_name or "default"
    return [
        f"{done} deployment {full_name(deployment)!r}, id {deployment.id}.",
        f"It runs {deployment.entrypoint} here, by queue {queue!r} of pool {deployment.work_pool_name!r}.",
        *(f"Schedule {schedule.slug!r}: {describe(schedule)}." for schedule in deployment.schedules),
        f"Start a worker:  headrace worker start --pool {quote(str(deployment.work_pool_name))}",
        f"Start a run:     headrace deployment run {quoted_name(deployment)} --watch",
    ]
