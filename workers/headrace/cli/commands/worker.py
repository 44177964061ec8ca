"""`headrace worker`: processes on this machine that run what the control plane hands out."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import Annotated

import typer

from headrace.cli.app import new_group
from headrace.cli.commands import worker_install
from headrace.cli.connect import connect, given, read_settings, rows_of
from headrace.cli.errors import BadUsage
from headrace.cli.options import OnDisconnect, Output, Pool, check_names
from headrace.cli.output import Format, report
from headrace.cli.tables import Column, listing
from headrace.cli.times import show_ago

app = new_group()

COLUMNS = (
    Column("Name", style="bold"),
    Column("Pool"),
    Column("Status", solid=True),
    Column("Last Polled", solid=True),
    Column("Queues"),
    Column("Limit", right=True),
    Column("Host"),
)


TYPES = ("process",)
MOST_RUNS = 1000
"""As the contract has it (`WORKER_LIMIT`), which its help is shown without."""


class StartMethod(StrEnum):
    """How the process of a run comes to be."""

    AUTO = "auto"
    ZYGOTE = "zygote"
    SPAWN = "spawn"


class CredentialsFrom(StrEnum):
    """Where a worker's AWS credentials come from; auto: from the API if there is an API key."""

    AUTO = "auto"
    API = "api"
    OWN = "own"


@app.command()
def start(
    *,
    pool: Annotated[
        str, typer.Option("--pool", "-p", help="The work pool to serve.", metavar="NAME", show_default=False)
    ],
    work_queue: Annotated[
        list[str] | None,
        typer.Option("--work-queue", "-q", help="Only this queue of it. May be repeated.", metavar="NAME"),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            "-l",
            help="How many runs at once; 10 if left out.",
            min=1,
            max=MOST_RUNS,
            metavar="N",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", "-n", help="Its name; the host's if left out.", metavar="NAME"),
    ] = None,
    type_: Annotated[str, typer.Option("--type", "-t", help="How it runs flows.")] = "process",
    run_once: Annotated[bool, typer.Option("--run-once", help="Run what waits now, and leave.")] = False,
    on_disconnect: Annotated[
        OnDisconnect, typer.Option("--on-disconnect", help="When the control plane is away for too long.")
    ] = OnDisconnect.KILL,
    start_method: Annotated[
        StartMethod, typer.Option("--start-method", help="How runs start: forked, anew, or as it fits.")
    ] = StartMethod.AUTO,
    aws_credentials: Annotated[
        CredentialsFrom,
        typer.Option("--aws-credentials", help="Whose to call SQS with: the API's, or this machine's own."),
    ] = CredentialsFrom.AUTO,
) -> None:
    """Start a worker here. Ctrl-C once: finish what runs, take nothing new; twice: stop that too."""
    if type_ not in TYPES:
        raise BadUsage(f"--type: there is no worker type {type_!r}.", f"Types: {', '.join(TYPES)}.")
    check_names(pool, *(work_queue or ()), *((name,) if name is not None else ()))
    settings = read_settings()
    from headrace.worker.main import WorkerOptions, start

    options = WorkerOptions(
        pool=pool,
        work_queues=tuple(work_queue or ()),
        type=type_,
        run_once=run_once,
        on_disconnect=on_disconnect.value,
        start_method=start_method.value,
        aws_credentials=aws_credentials.value,
        settings=settings,
        **given(limit=limit, name=name),
    )
    raise typer.Exit(start(options))


@app.command("ls")
def list_(*, pool: Pool = None, output: Output = Format.TABLE) -> None:
    """List the workers of a pool, or of all."""
    from headrace.cli.marks import worker_mark
    from headrace.contract.work_pools import WorkPoolList
    from headrace.contract.workers import WorkerList

    with connect() as api:
        names = [pool] if pool is not None else [p.name for p in rows_of(api.pools.list, WorkPoolList())]
        found = {name: rows_of(partial(api.workers.list, name), WorkerList()) for name in names}
    pool_of = {worker.id: name for name, workers in found.items() for worker in workers}
    now = datetime.now(UTC)
    listing(
        output,
        [worker for workers in found.values() for worker in workers],
        COLUMNS,
        lambda worker: [
            worker.name,
            pool_of[worker.id],
            worker_mark(worker.status),
            show_ago(worker.last_heartbeat_time, now),
            worker.work_queues or "all",
            worker.limit,
            worker.host,
        ],
        "No workers. Start one: headrace worker start --pool my-process-pool",
    )


@app.command()
def drain(
    name: Annotated[str, typer.Argument(help="The worker's name.", metavar="NAME", show_default=False)],
    *,
    pool: Annotated[
        str, typer.Option("--pool", "-p", help="Its work pool.", metavar="NAME", show_default=False)
    ],
    output: Output = Format.TABLE,
) -> None:
    """Have a worker take nothing new, and leave when all that it runs is done."""
    with connect() as api:
        worker = api.workers.drain(pool, name)
    said = f"Worker {name!r} of pool {pool!r} takes nothing new, and leaves when all that it runs is done."
    report(output, worker, said)


app.command("install")(worker_install.install)
