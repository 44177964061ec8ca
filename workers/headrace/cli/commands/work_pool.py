"""`headrace work-pool`: groups of queues that workers serve."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headrace.cli.app import new_group
from headrace.cli.connect import checked, connect, given, rows_of
from headrace.cli.errors import BadUsage
from headrace.cli.lookup import find_pool
from headrace.cli.options import (
    CancelRuns,
    Limit,
    NoLimit,
    Output,
    nothing_to_change,
    read_limit,
    removal,
)
from headrace.cli.output import Format, details, note, print_json, report
from headrace.cli.tables import ID, Column, listing
from headrace.cli.values import quote, read_object_file

if TYPE_CHECKING:
    from headrace.contract.work_pools import WorkPool

app = new_group()

Name = Annotated[str, typer.Argument(help="Name of the work pool.", show_default=False)]
Template = Annotated[
    Path | None,
    typer.Option("--base-job-template", help="JSON file with the pool's base job template.", metavar="FILE"),
]
Description = Annotated[str | None, typer.Option("--description", help="What the pool is for.")]
MoveTo = Annotated[
    str | None,
    typer.Option(
        "--move-to", help="Move the runs that wait in it to this pool, or to POOL/QUEUE.", metavar="POOL"
    ),
]
COLUMNS = (
    Column("Name", style="bold"),
    Column("Type"),
    ID,
    Column("Concurrency Limit", right=True),
    Column("Status", solid=True),
)


@app.command()
def create(
    name: Name,
    *,
    type_: Annotated[str, typer.Option("--type", "-t", help="How its workers run flows.")] = "process",
    base_job_template: Template = None,
    concurrency_limit: Limit = None,
    description: Description = None,
    paused: Annotated[bool, typer.Option("--paused", help="Start nothing until it is resumed.")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Make a work pool."""
    from headrace.contract.work_pools import WorkPoolCreate

    members = given(
        name=name,
        type=type_,
        description=description,
        base_job_template=read_object_file(base_job_template, "--base-job-template"),
        is_paused=paused,
        concurrency_limit=concurrency_limit,
    )
    body = checked(WorkPoolCreate, **members)
    with connect() as api:
        pool = api.pools.create(body)
    report(
        output,
        pool,
        f"Created work pool {pool.name!r} of type {pool.type!r}, id {pool.id}.",
        f"Start a worker for it:  headrace worker start --pool {quote(pool.name)}",
    )


@app.command("ls")
def list_(*, output: Output = Format.TABLE) -> None:
    """List the work pools."""
    from headrace.cli.marks import pool_mark
    from headrace.contract.work_pools import WorkPoolList

    with connect() as api:
        pools = rows_of(api.pools.list, WorkPoolList())
    listing(
        output,
        pools,
        COLUMNS,
        lambda p: [p.name, p.type, p.id, p.concurrency_limit, pool_mark(p.status, paused=p.is_paused)],
        "No work pools yet. Make one: headrace work-pool create my-process-pool",
    )


@app.command()
def inspect(name: Name, *, output: Output = Format.TABLE) -> None:
    """Show all about a work pool."""
    with connect() as api:
        pool = find_pool(api, name)
    _show(pool, output)


@app.command()
def update(
    name: Name,
    *,
    description: Description = None,
    concurrency_limit: Limit = None,
    no_concurrency_limit: NoLimit = False,
    base_job_template: Template = None,
    output: Output = Format.TABLE,
) -> None:
    """Change a work pool: only what is given."""
    members = given(
        description=description, base_job_template=read_object_file(base_job_template, "--base-job-template")
    )
    members |= read_limit(concurrency_limit, none=no_concurrency_limit)
    if not members:
        raise nothing_to_change("work-pool update")
    _change(name, members, output, "Updated")
    if base_job_template is not None:
        _tell_misfits(name)


def _tell_misfits(name: str) -> None:
    """Which deployments the new template leaves behind; their runs would say so when they start."""
    from headrace.contract.work_pools import MisfitList

    with connect() as api:
        found = rows_of(lambda request: api.pools.misfits(name, request), MisfitList())
    for misfit in found:
        note(f"Deployment {misfit.deployment!r} no longer fits: {misfit.problem}")
    if found:
        note("Their runs will not start. Deploy them again with job variables that fit.")


@app.command()
def pause(name: Name, *, output: Output = Format.TABLE) -> None:
    """Start nothing more from a work pool; what runs goes on."""
    _change(name, {"is_paused": True}, output, "Paused")


@app.command()
def resume(name: Name, *, output: Output = Format.TABLE) -> None:
    """Start runs from a work pool again."""
    _change(name, {"is_paused": False}, output, "Resumed")


@app.command("skip-late")
def skip_late(name: Name, *, output: Output = Format.TABLE) -> None:
    """Skip the runs of a work pool that are late: they end as Skipped, and nothing starts them."""
    from headrace.contract.system import Skipped

    with connect() as api:
        skipped = Skipped(skipped=api.pools.skip_late(name))
    report(output, skipped, f"Skipped {skipped.skipped} late runs of work pool {name!r}.")


@app.command()
def delete(
    name: Name, *, cancel_runs: CancelRuns = False, move_to: MoveTo = None, output: Output = Format.TABLE
) -> None:
    """Delete a work pool and its queues; refused while runs wait or deployments run there, unless told what to do."""
    options = removal(cancel_runs=cancel_runs, move_to=move_to)
    with connect() as api:
        pool = find_pool(api, name)
        api.pools.delete(name, options)
    report(output, pool, f"Deleted work pool {name!r}.")


@app.command("get-default-base-job-template")
def get_default_base_job_template(
    *, type_: Annotated[str, typer.Option("--type", "-t", help="Type of work pool.")] = "process"
) -> None:
    """Print the base job template that a new pool of a type gets, as JSON."""
    with connect() as api:
        templates = api.system.default_job_templates()
    if type_ not in templates:
        known = ", ".join(sorted(templates))
        raise BadUsage(f"--type: there is no work pool type {type_!r}.", f"Types: {known}.")
    print_json(templates[type_])


def _change(name: str, members: dict[str, Any], output: Format, done: str) -> None:
    from headrace.contract.work_pools import WorkPoolUpdate

    body = checked(WorkPoolUpdate, **members)
    with connect() as api:
        api.pools.update(name, body)
        pool = api.pools.read(name)
    report(output, pool, f"{done} work pool {name!r}.")


def _show(pool: WorkPool, output: Format) -> None:
    from headrace.cli.marks import pool_mark
    from headrace.cli.times import show_moment

    details(
        output,
        pool,
        lambda: (
            {
                "Name": pool.name,
                "ID": pool.id,
                "Type": pool.type,
                "Status": pool_mark(pool.status, paused=pool.is_paused),
                "Concurrency limit": pool.concurrency_limit,
                "Runs now": pool.active_slots,
                "Description": pool.description,
                "Created": show_moment(pool.created),
                "Updated": show_moment(pool.updated),
                "Base job template": pool.base_job_template,
            }
        ),
    )
