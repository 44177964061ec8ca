"""`headrace deployment`: the records of where, when and how flows run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from headrace.cli.app import new_group
from headrace.cli.commands import backfill, deployment_run, deployment_versions, schedule
from headrace.cli.connect import connect, rows_of
from headrace.cli.lookup import deployment_reference, find_deployment, full_name
from headrace.cli.options import DeploymentName, Output, removal
from headrace.cli.output import Format, details, report
from headrace.cli.tables import ID, Column, listing
from headrace.cli.times import show_moment

if TYPE_CHECKING:
    from headrace.client.api import Api
    from headrace.contract.deployments import Deployment

app = new_group()
app.command("run")(deployment_run.run)
app.command("backfill")(backfill.backfill)
deployment_versions.register(app)
app.add_typer(schedule.app, name="schedule", help="Make and manage the schedules of a deployment.")

CancelItsRuns = Annotated[bool, typer.Option("--cancel-runs", help="Cancel its runs that wait or go on.")]
COLUMNS = (
    Column("Name", style="bold"),
    ID,
    Column("Work Pool"),
    Column("Schedules", right=True),
    Column("Status", solid=True),
)


@app.command("ls")
def list_(
    *,
    flow_name: Annotated[
        str | None, typer.Option("--flow-name", help="Only those of this flow.", metavar="NAME")
    ] = None,
    output: Output = Format.TABLE,
) -> None:
    """List the deployments."""
    from headrace.cli.marks import deployment_mark
    from headrace.contract.deployments import DeploymentList

    body = {} if flow_name is None else {"flows": {"name": {"any_": [flow_name]}}}
    with connect() as api:
        deployments = rows_of(api.deployments.list, DeploymentList.model_validate(body))
    listing(
        output,
        deployments,
        COLUMNS,
        lambda d: [
            full_name(d),
            d.id,
            d.work_pool_name,
            len(d.schedules),
            deployment_mark(d.status, paused=d.paused),
        ],
        "No deployments yet. Make one: headrace deploy FILE.py:FLOW -n NAME -p POOL",
    )


@app.command()
def inspect(name: DeploymentName, *, output: Output = Format.TABLE) -> None:
    """Show all about a deployment."""
    deployment_reference(name)
    with connect() as api:
        deployment = find_deployment(api, name)
        problem = _misplaced(api, deployment) if output is Format.TABLE else None
    details(output, deployment, lambda: _fields(deployment, problem))


def _misplaced(api: Api, deployment: Deployment) -> str | None:
    """What is wrong where no worker can take its runs, since its queue was deleted."""
    from headrace.client.errors import NotFound
    from headrace.contract.deployments import DeploymentStatus

    pool, queue = deployment.work_pool_name, deployment.work_queue_name
    if deployment.status is DeploymentStatus.READY or pool is None or queue is None:
        return None
    try:
        api.queues.read_by_name(pool, queue)
    except NotFound as error:
        return f"{error.message} Make it, or deploy to another one."
    return None


def _fields(deployment: Deployment, problem: str | None) -> dict[str, object]:
    from headrace.cli.marks import deployment_mark
    from headrace.cli.schedules import describe

    schema = deployment.parameter_openapi_schema or {}
    options = deployment.concurrency_options
    return {
        "Name": full_name(deployment),
        "ID": deployment.id,
        "Status": deployment_mark(deployment.status, paused=deployment.paused),
        **({"Problem": problem} if problem else {}),
        "Description": deployment.description,
        "Version": deployment_versions.number_shown(deployment),
        "Entrypoint": deployment.entrypoint,
        "Code source": deployment.pull_steps,
        "Work pool": deployment.work_pool_name,
        "Work queue": deployment.work_queue_name,
        "Parameters": deployment.parameters,
        "Parameter schema": schema.get("properties"),
        "Job variables": deployment.job_variables,
        "Tags": deployment.tags,
        "Schedules": [f"{each.slug}: {describe(each)}" for each in deployment.schedules],
        "Concurrency limit": deployment.concurrency_limit,
        "When it is full": None if options is None else options.collision_strategy.value,
        "Retries": None if deployment.retry_policy is None else deployment.retry_policy.retries,
        "Timeout": None if deployment.timeout_seconds is None else f"{deployment.timeout_seconds:g} s",
        "Created": show_moment(deployment.created),
        "Updated": show_moment(deployment.updated),
    }


@app.command()
def pause(name: DeploymentName, *, output: Output = Format.TABLE) -> None:
    """Start no run of a deployment; what runs goes on, and what is scheduled waits."""
    _switch(name, output, paused=True)


@app.command()
def resume(name: DeploymentName, *, output: Output = Format.TABLE) -> None:
    """Start runs of a deployment again."""
    _switch(name, output, paused=False)


@app.command("skip-late")
def skip_late(name: DeploymentName, *, output: Output = Format.TABLE) -> None:
    """Skip the runs of a deployment that are late: they end as Skipped, and nothing starts them."""
    from headrace.contract.system import Skipped

    deployment_reference(name)
    with connect() as api:
        deployment = find_deployment(api, name)
        skipped = Skipped(skipped=api.deployments.skip_late(deployment.id))
    report(output, skipped, f"Skipped {skipped.skipped} late runs of {full_name(deployment)!r}.")


@app.command()
def delete(
    name: DeploymentName, *, cancel_runs: CancelItsRuns = False, output: Output = Format.TABLE
) -> None:
    """Delete a deployment and its schedules' coming runs; refused while others wait or go on, unless cancelled too."""
    deployment_reference(name)
    options = removal(cancel_runs=cancel_runs)
    with connect() as api:
        deployment = find_deployment(api, name)
        api.deployments.delete(deployment.id, options)
    report(output, deployment, f"Deleted deployment {full_name(deployment)!r}.")


def _switch(name: str, output: Format, *, paused: bool) -> None:
    deployment_reference(name)
    with connect() as api:
        deployment = find_deployment(api, name)
        (api.deployments.pause if paused else api.deployments.resume)(deployment.id)
        deployment = api.deployments.read(deployment.id)
    report(output, deployment, f"{'Paused' if paused else 'Resumed'} deployment {full_name(deployment)!r}.")
