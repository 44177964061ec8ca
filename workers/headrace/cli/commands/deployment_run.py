"""`headrace deployment run`: starts a run by hand, now or later."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from headrace.cli.connect import checked, connect, given
from headrace.cli.errors import BadUsage
from headrace.cli.lookup import deployment_reference, find_deployment, full_name, quoted_name
from headrace.cli.options import DeploymentName, JobVariable, Output, Param, Params, Tag
from headrace.cli.output import Format, report, say
from headrace.cli.parameter_hints import hinting
from headrace.cli.times import parse_duration, parse_moment, show_moment
from headrace.cli.values import merge_parameters, read_pairs
from headrace.project.facts import INSTEAD, NO_PARAMETERS

if TYPE_CHECKING:
    from headrace.contract.deployments import Deployment
    from headrace.contract.flow_runs import FlowRun, FlowRunCreate


StartAt = Annotated[
    str | None,
    typer.Option("--start-at", help="When: ISO 8601, in this machine's zone if it has none.", metavar="TIME"),
]
StartIn = Annotated[
    str | None, typer.Option("--start-in", help="In how long, as in 90s, 5m or 2h30m.", metavar="DURATION")
]
IdempotencyKey = Annotated[
    str | None,
    typer.Option("--idempotency-key", help="The same key again finds the run it made.", metavar="KEY"),
]
RunName = Annotated[str | None, typer.Option("--name", help="Name of the run.", metavar="NAME")]
Watch = Annotated[bool, typer.Option("--watch", help="Follow it to its end; exits 0 only if it completed.")]


def run(
    name: DeploymentName,
    *,
    param: Param = None,
    params: Params = None,
    start_at: StartAt = None,
    start_in: StartIn = None,
    idempotency_key: IdempotencyKey = None,
    run_name: RunName = None,
    tag: Tag = None,
    job_variable: JobVariable = None,
    watch: Watch = False,
    output: Output = Format.TABLE,
) -> None:
    """Start a run of a deployment. Ctrl-C while watching lets go of it, and it goes on."""
    from headrace.cli.watching import watch as watch_run

    deployment_reference(name)
    members = given(
        name=run_name,
        # Drawn for this call, so that it can be repeated when its answer is lost.
        idempotency_key=str(uuid4()) if idempotency_key is None else idempotency_key,
        tags=tag,
        state=_state(start_at, start_in),
        job_variables=read_pairs(job_variable, "--job-variable") if job_variable else None,
    )
    _body(members, merge_parameters(params, param or []))
    with connect() as api:
        deployment = find_deployment(api, name)
        parameters = merge_parameters(params, param or [], deployment.parameter_openapi_schema)
        if parameters and deployment.entrypoint is None:
            raise BadUsage(NO_PARAMETERS, INSTEAD)
        with hinting(deployment.parameter_openapi_schema, parameters):
            run, created = api.deployments.run(deployment.id, _body(members, parameters))
        headline = _headline(run, deployment, created=created or idempotency_key is None)
        if watch:
            say(headline, "green", stderr=output is Format.JSON)
            watch_run(api, run.id, output)
    due = show_moment(run.expected_start_time)
    resume = f"Its deployment is paused: it waits.  headrace deployment resume {quoted_name(deployment)}"
    report(
        output,
        run,
        headline,
        f"It is {run.state_name}, due {due}.",
        *([resume] if deployment.paused else []),
        f"Follow it:  headrace flow-run watch {run.id}",
        f"If it does not start:  headrace flow-run why {run.id}",
    )


def _state(start_at: str | None, start_in: str | None) -> dict[str, Any] | None:
    """The state that the run begins in, if it is to start later."""
    if start_at is not None and start_in is not None:
        raise BadUsage("--start-at and --start-in contradict each other.", "Give one of them.")
    now = datetime.now(UTC)
    if start_in is not None:
        moment = now + parse_duration(start_in, "--start-in")
    elif start_at is not None:
        moment = parse_moment(start_at, "--start-at", now)
    else:
        return None
    return {"type": "SCHEDULED", "state_details": {"scheduled_time": moment}}


def _body(members: dict[str, Any], parameters: dict[str, Any]) -> FlowRunCreate:
    from headrace.contract.flow_runs import FlowRunCreate

    return checked(FlowRunCreate, **members, parameters=parameters)


def _headline(run: FlowRun, deployment: Deployment, *, created: bool) -> str:
    done = "Created" if created else "Found, by its idempotency key,"
    return f"{done} flow run {run.name!r} of {full_name(deployment)!r}, id {run.id}."
