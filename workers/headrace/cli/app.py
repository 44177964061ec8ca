"""The tree of commands. Only the branch that a command line names is imported, so that help stays quick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import dropwhile, takewhile
from typing import Annotated, Any

import typer

from headrace import __version__


@dataclass(frozen=True)
class Branch:
    """One word after `headrace`: a group of commands, or a single command."""

    name: str
    module: str
    help: str
    single: bool = False


BRANCHES = (
    Branch("version", "version", "Show the versions of Headrace and of what it runs on.", single=True),
    Branch("server", "server", "Run the control plane on this machine."),
    Branch("work-pool", "work_pool", "Make and manage work pools."),
    Branch("work-queue", "work_queue", "Make and manage the work queues of a pool."),
    Branch("worker", "worker", "Start a worker here, or see which ones there are."),
    Branch("deploy", "deploy", "Deploy a flow: say where, when and how it runs.", single=True),
    Branch("init", "init", "Start a headrace.yaml: the deployments of a project.", single=True),
    Branch("import", "import_", "Write a headrace.yaml from a prefect.yaml or a crontab.", single=True),
    Branch("deployment", "deployment", "See, run, schedule and manage deployments."),
    Branch("flow", "flow", "See the flows that the control plane knows."),
    Branch("flow-run", "flow_run", "See, follow, explain, cancel and repeat flow runs."),
    Branch("concurrency-limit", "concurrency_limit", "Limit how many runs with a tag go at once."),
    Branch("variable", "variable", "Keep small values by name, for project files."),
    Branch("cost", "cost", "What runs cost in AWS: estimated, and as recorded."),
    Branch("export", "export", "Write pools, deployments and schedules into a file.", single=True),
    Branch("import-data", "import_data", "Make what a file of `headrace export` holds.", single=True),
    Branch("cloud", "cloud", "The control plane in an AWS account of your own."),
    Branch("profile", "profile", "Choose which control plane the commands talk to."),
    Branch("login", "login", "Log in: check an API key, and keep it in a profile.", single=True),
    Branch("logout", "logout", "Log out: forget the key of a profile.", single=True),
    Branch("api-key", "api_key", "Make, list and revoke API keys: who may do what."),
)
"""Everything after `headrace`, in the order of its help."""

EPILOG = "Start with: headrace server start"

PLAIN: Any = {
    "add_completion": False,
    "no_args_is_help": True,
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
}
"""What every group shares. Help is plain text: importing rich alone would double the time it takes."""


def build(words: Sequence[str] | None) -> typer.Typer:
    """Make the tree; given a command line, each branch that it does not name is a stub with its help."""
    path = None if words is None else _path(words)
    root = typer.Typer(
        name="headrace",
        help="Headrace runs Python flows on your own machines, led by a serverless control plane.",
        epilog=EPILOG,
        **PLAIN,
    )
    # Reading any option, even `--help`, loads pydantic: a command line that uses none here has none here.
    plain = words is not None and bool(path) and not words[0].startswith("-")
    root.callback(add_help_option=not plain)(_no_options if plain else options)
    for branch in BRANCHES:
        _grow(root, branch, path)
    return root


def _path(words: Sequence[str]) -> list[str]:
    """The words that name a command: those before the first option, save options of the root."""
    rest = dropwhile(lambda word: word.startswith("-"), words)
    return list(takewhile(lambda word: not word.startswith("-"), rest))


def _grow(root: typer.Typer, branch: Branch, path: list[str] | None) -> None:
    loaded = path is None or path[:1] == [branch.name]
    module = import_module(f"headrace.cli.commands.{branch.module}") if loaded else None
    if branch.single:
        root.command(branch.name, help=branch.help)(module.command if module else _stub)
        return
    group = module.app if module else typer.Typer()
    if not module:
        group.command()(_stub)
    root.add_typer(
        group,
        name=branch.name,
        help=branch.help,
        no_args_is_help=True,
        add_help_option=path is None or len(path) == 1,
    )


def _no_options() -> None:
    """Stand for the root's options when the command line begins with a command."""


def _stub() -> None:
    """Stand for a command that this command line does not name."""


def new_group() -> typer.Typer:
    """Make an empty group of commands."""
    return typer.Typer(**PLAIN)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


def options(
    *,
    debug: Annotated[
        bool,
        typer.Option("--debug", help="Show the traceback of an unexpected failure.", envvar="HEADRACE_DEBUG"),
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Options that stand before the command."""
