"""`headrace concurrency-limit`: how many runs that carry a tag may go at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from headrace.cli.app import new_group
from headrace.cli.connect import checked, connect, rows_of
from headrace.cli.errors import BadUsage
from headrace.cli.options import Output
from headrace.cli.output import Format, counted, details, report
from headrace.cli.tables import ID, Column, listing

if TYPE_CHECKING:
    from headrace.contract.limits import ConcurrencyLimit

app = new_group()

Tag = Annotated[str, typer.Argument(help="The tag that is limited.", show_default=False)]
Limit = Annotated[
    int,
    typer.Argument(
        help="How many of its runs may go at once; 0 stops them.", min=0, max=5000, show_default=False
    ),
]
COLUMNS = (
    Column("Name", style="bold"),
    ID,
    Column("Limit", right=True),
    Column("Held", right=True),
    Column("Active"),
)


@app.command()
def create(tag: Tag, limit: Limit, *, output: Output = Format.TABLE) -> None:
    """Limit the runs that carry a tag."""
    _check(tag)
    from headrace.contract.limits import ConcurrencyLimitCreate

    body = checked(ConcurrencyLimitCreate, name=tag, limit=limit)
    with connect() as api:
        made = api.limits.create(body)
    report(output, made, f"At most {counted(limit, 'run')} with the tag {tag!r} at once from now on.")


@app.command()
def update(tag: Tag, limit: Limit, *, output: Output = Format.TABLE) -> None:
    """Change the limit of a tag. A lower one ends nothing that runs."""
    _check(tag)
    from headrace.contract.limits import ConcurrencyLimitUpdate

    with connect() as api:
        api.limits.update(tag, ConcurrencyLimitUpdate(limit=limit))
        changed = api.limits.read(tag)
    report(output, changed, f"At most {counted(limit, 'run')} with the tag {tag!r} at once from now on.")


@app.command("ls")
def list_(*, output: Output = Format.TABLE) -> None:
    """List all limits: of tags, and those of pools, queues and deployments."""
    from headrace.contract.limits import ConcurrencyLimitList

    with connect() as api:
        limits = rows_of(api.limits.list, ConcurrencyLimitList())
    listing(
        output,
        limits,
        COLUMNS,
        lambda each: [each.name, each.id, each.limit, each.active_slots, each.active],
        "No limits. Make one: headrace concurrency-limit create TAG 3",
    )


@app.command()
def inspect(tag: Tag, *, output: Output = Format.TABLE) -> None:
    """Show a limit, and which runs hold it."""
    _check(tag)
    with connect() as api:
        limit = api.limits.read(tag)
    details(output, limit, lambda: _fields(limit))


@app.command()
def delete(tag: Tag, *, output: Output = Format.TABLE) -> None:
    """Take a limit away; runs that waited for it start."""
    _check(tag)
    with connect() as api:
        limit = api.limits.read(tag)
        api.limits.delete(tag)
    report(output, limit, f"Runs with the tag {tag!r} are no longer limited.")


def _check(tag: str) -> None:
    if not tag.strip() or len(tag) > 100:
        raise BadUsage(f"{tag[:60]!r} is not a tag.", "A tag has 1 to 100 characters.")


def _fields(limit: ConcurrencyLimit) -> dict[str, object]:
    return {
        "Name": limit.name,
        "ID": limit.id,
        "Limit": limit.limit,
        "Held": limit.active_slots,
        "Held by": [str(run_id) for run_id in limit.holders],
        "Active": limit.active,
    }
