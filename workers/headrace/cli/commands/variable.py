"""`headrace variable`: small values by name that project files share."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from headrace.cli.app import new_group
from headrace.cli.connect import checked, connect, given, rows_of
from headrace.cli.options import Output
from headrace.cli.output import Format, report
from headrace.cli.tables import ID, Column, listing
from headrace.cli.values import read_value

app = new_group()

Name = Annotated[
    str, typer.Argument(help="Small letters, digits, hyphens and underscores.", show_default=False)
]
Tags = Annotated[
    list[str] | None, typer.Option("--tag", help="A tag of the variable. May be repeated.", metavar="TAG")
]
COLUMNS = (Column("Name", style="bold"), ID, Column("Value"), Column("Tags"))
LONG = 90
"""Characters of a value that are said again when it is set."""


@app.command("set")
def set_(
    name: Name,
    value: Annotated[str, typer.Argument(help="JSON where it parses, else text.", show_default=False)],
    *,
    tag: Tags = None,
    text: Annotated[bool, typer.Option("--text", help="Take the value as text in any case.")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Make a variable, or give it another value. It is shown to all: no place for a secret."""
    from headrace.client.errors import NotFound
    from headrace.contract.variables import VariableCreate, VariableUpdate

    members = {"value": read_value(value, text), **given(tags=tag)}
    body = checked(VariableCreate, name=name, **members)
    with connect() as api:
        try:
            api.variables.update(name, checked(VariableUpdate, **members))
            found = api.variables.read(name)
        except NotFound:
            found = api.variables.create(body)
    report(output, found, f"Variable {name!r} is {_brief(_written(found.value))}.")


@app.command()
def get(name: Name, *, output: Output = Format.TABLE) -> None:
    """Show the value of a variable."""
    with connect() as api:
        found = api.variables.read(name)
    report(output, found, _written(found.value))


@app.command("ls")
def list_(*, output: Output = Format.TABLE) -> None:
    """List all variables."""
    from headrace.contract.variables import VariableList

    with connect() as api:
        found = rows_of(api.variables.list, VariableList())
    listing(
        output,
        found,
        COLUMNS,
        lambda each: [each.name, each.id, _written(each.value), each.tags],
        "No variables. Make one: headrace variable set rows 10",
    )


@app.command()
def unset(name: Name, *, output: Output = Format.TABLE) -> None:
    """Delete a variable. Deployments made with it keep the value that they were deployed with."""
    with connect() as api:
        found = api.variables.read(name)
        api.variables.delete(name)
    report(output, found, f"Deleted variable {name!r}.")


def _brief(text: str) -> str:
    return text if len(text) <= LONG else f"{text[: LONG - 3]}..."


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
