"""`headrace concurrency-limit`: how many runs that carry a tag may go at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from headrace.cli.app import new_group
from headrace.cli.connect import connect, rows_of
from headrace.cli.errors import BadUsage
from headrace.cli.options import Output
from headrace.cli.output import Format, details, report
from headrace.cli.tables import ID, Column, listing

app = new_group()

Tag = Annotated[str, typer.Argument(help="The tag that is limited.", show_default=False)]
COLUMNS = (
    Column("Tag", style="bold"),
    ID,
    Column("Limit", right=True),
    Column("Held", right=True),
    Column("Active"),
)


@app.command()
def create(
    tag: Tag,
    limit: Annotated[
        int,
        typer.Argument(
            help="How many of its runs may go at once; 0 stops them.", min=0, max=5000, show_default=False
        ),
    ],
    *,
    output: Output = Format.TABLE,
) -> None:
    """Limit the runs that carry a tag."""
    _check(tag)
    with connect() as api:
        made = api.limits.create(tag, limit)
    report(output, made, f"At most {limit} runs with the tag {tag!r} go at once from now on.")


@app.command("ls")
def list_(*, output: Output = Format.TABLE) -> None:
    """List the limits of tags."""
    from headrace.contract.base import ListRequest

    with connect() as api:
        limits = rows_of(api.limits.list, ListRequest())
    listing(
        output,
        limits,
        COLUMNS,
        lambda each: [
            each.get("name"),
            each.get("id"),
            each.get("limit"),
            each.get("active_slots"),
            each.get("active"),
        ],
        "No limits on tags. Make one: headrace concurrency-limit create TAG 3",
    )


@app.command()
def inspect(tag: Tag, *, output: Output = Format.TABLE) -> None:
    """Show a limit, and which runs hold it."""
    _check(tag)
    with connect() as api:
        limit = api.limits.read(tag)
    details(output, limit, lambda: _named(limit))


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


def _named(limit: Mapping[str, object]) -> dict[str, object]:
    return {name.replace("_", " ").capitalize(): value for name, value in limit.items()}
