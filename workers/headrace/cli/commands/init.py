"""`headrace init`: starts a `headrace.yaml`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from headrace.cli.deploying.project_errors import translated
from headrace.cli.errors import CliError
from headrace.cli.output import say


class Recipe(StrEnum):
    """Where workers get the code of the project."""

    GIT = "git"
    BUNDLE = "bundle"
    LOCAL = "local"


def command(
    *,
    recipe: Annotated[
        Recipe | None, typer.Option("--recipe", help="How workers get the code; git in a clone, else local.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", "-n", help="Name of the project; the folder's if left out.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a headrace.yaml that is there.")] = False,
) -> None:
    """Start a headrace.yaml here, with the schema by which editors complete it."""
    from headrace.cli.deploying.saving import start
    from headrace.project import FILE
    from headrace.project.git import read_checkout

    folder = Path.cwd()
    if (folder / FILE).exists() and not force:
        raise CliError(f"{FILE} is here already.", "Replace it with --force.")
    checkout = read_checkout(folder) if recipe is None else None
    chosen = recipe or (Recipe.GIT if checkout and checkout.repository else Recipe.LOCAL)
    with translated():
        start(folder, name or folder.name or "my-project", chosen.value)
    say(f"Wrote {FILE} (recipe {chosen.value}) and its schema.", "green")
    source = f" --source {chosen.value}" if chosen is not Recipe.LOCAL else ""
    say(f"Add a deployment:   headrace deploy FILE.py:FLOW -n NAME -p POOL{source} --save")
    say("Deploy them all:    headrace deploy --all")
