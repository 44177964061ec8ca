"""`headrace work-queue`: the queues of a pool, served by priority."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from headrace.cli.app import new_group
from headrace.cli.connect import checked, connect, given, rows_of
from headrace.cli.lookup import find_queue
from headrace.cli.options import (
    CancelRuns,
    NoLimit,
    Output,
    Pool,
    nothing_to_change,
    read_limit,
    removal,
)
from headrace.cli.output import Format, details, report
from headrace.cli.tables import ID, Column, listing
from headrace.cli.times import show_ago, show_moment

app = new_group()

Name = Annotated[str, typer.Argument(help="Name of the work queue.", show_default=False)]
OfPool = Annotated[
    str, typer.Option("--pool", "-p", help="The pool it belongs to.", metavar="NAME", show_default=False)
]
Priority = Annotated[
    int | None, typer.Option("--priority", help="1 is served first.", min=1, max=1_000_000, metavar="N")
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        "-l",
        "--concurrency-limit",
        help="How many runs may go at once.",
        min=0,
        max=5000,
        metavar="N",
    ),
]
MoveTo = Annotated[
    str | None,
    typer.Option(
        "--move-to",
        help="Move the runs that wait in it to this queue of its pool, or to POOL/QUEUE.",
        metavar="QUEUE",
    ),
]
Description = Annotated[str | None, typer.Option("--description", help="What the queue is for.")]
COLUMNS = (
    Column("Name", style="bold"),
    Column("Pool"),
    ID,
    Column("Prio", right=True),
    Column("Limit", right=True),
    Column("Health", solid=True),
)


@app.command()
def create(
    name: Name,
    *,
    pool: OfPool,
    priority: Priority = None,
    limit: Limit = None,
    description: Description = None,
    output: Output = Format.TABLE,
) -> None:
    """Make a work queue in a pool."""
    from headrace.contract.work_pools import WorkQueueCreate

    body = checked(
        WorkQueueCreate,
        **given(name=name, priority=priority, concurrency_limit=limit, description=description),
    )
    with connect() as api:
        queue = api.queues.create(pool, body)
    report(
        output,
        queue,
        f"Created work queue {name!r} of pool {pool!r} with priority {queue.priority}, id {queue.id}.",
    )


@app.command("ls")
def list_(*, pool: Pool = None, output: Output = Format.TABLE) -> None:
    """List the work queues of a pool, or of all; ready are those that a worker polled within a minute."""
    from headrace.cli.marks import queue_mark
    from headrace.contract.work_pools import WorkQueueList

    with connect() as api:
        queues = rows_of(lambda request: api.queues.list(request, pool=pool), WorkQueueList())
    now = datetime.now(UTC)
    listing(
        output,
        sorted(queues, key=lambda queue: (queue.work_pool_name, queue.priority, queue.name)),
        COLUMNS,
        lambda q: [
            q.name,
            q.work_pool_name,
            q.id,
            q.priority,
            q.concurrency_limit,
            queue_mark(q.last_polled, now, paused=q.is_paused),
        ],
        "No work queues. Each pool has one: headrace work-pool create my-process-pool",
    )


@app.command()
def inspect(name: Name, *, pool: Pool = None, output: Output = Format.TABLE) -> None:
    """Show all about a work queue."""
    from headrace.cli.marks import queue_mark

    with connect() as api:
        queue = find_queue(api, name, pool)
    now = datetime.now(UTC)
    details(
        output,
        queue,
        lambda: {
            "Name": queue.name,
            "ID": queue.id,
            "Work pool": queue.work_pool_name,
            "Health": queue_mark(queue.last_polled, now, paused=queue.is_paused),
            "Last polled": show_ago(queue.last_polled, now),
            "Priority": queue.priority,
            "Concurrency limit": queue.concurrency_limit,
            "Description": queue.description,
            "Created": show_moment(queue.created),
            "Updated": show_moment(queue.updated),
        },
    )


@app.command()
def update(
    name: Name,
    *,
    pool: Pool = None,
    priority: Priority = None,
    limit: Limit = None,
    no_concurrency_limit: NoLimit = False,
    description: Description = None,
    output: Output = Format.TABLE,
) -> None:
    """Change a work queue: only what is given."""
    members = given(priority=priority, description=description)
    members |= read_limit(limit, none=no_concurrency_limit)
    if not members:
        raise nothing_to_change("work-queue update")
    _change(name, pool, members, output, "Updated")


@app.command()
def pause(name: Name, *, pool: Pool = None, output: Output = Format.TABLE) -> None:
    """Start nothing more from a work queue; what runs goes on."""
    _change(name, pool, {"is_paused": True}, output, "Paused")


@app.command()
def resume(name: Name, *, pool: Pool = None, output: Output = Format.TABLE) -> None:
    """Start runs from a work queue again."""
    _change(name, pool, {"is_paused": False}, output, "Resumed")


@app.command()
def delete(
    name: Name,
    *,
    pool: Pool = None,
    cancel_runs: CancelRuns = False,
    move_to: MoveTo = None,
    output: Output = Format.TABLE,
) -> None:
    """Delete a work queue; refused while runs wait or deployments run there, unless told what to do."""
    options = removal(cancel_runs=cancel_runs, move_to=move_to)
    with connect() as api:
        queue = find_queue(api, name, pool)
        api.queues.delete(queue.id, options)
    report(output, queue, f"Deleted work queue {name!r} of pool {queue.work_pool_name!r}.")


def _change(name: str, pool: str | None, members: dict[str, Any], output: Format, done: str) -> None:
    from headrace.contract.work_pools import WorkQueueUpdate

    body = checked(WorkQueueUpdate, **members)
    with connect() as api:
        queue = find_queue(api, name, pool)
        api.queues.update(queue.id, body)
        queue = api.queues.read(queue.id)
    report(output, queue, f"{done} work queue {name!r} of pool {queue.work_pool_name!r}.")
