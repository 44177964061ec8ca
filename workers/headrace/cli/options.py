"""Options that several commands share, and what they mean together."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headrace.cli.errors import BadUsage
from headrace.cli.output import Format
from headrace.cli.values import params_text

if TYPE_CHECKING:
    from headrace.contract.work_pools import DeleteOptions

Output = Annotated[
    Format,
    typer.Option("--output", "-o", help="Tables for people, or JSON for programs.", metavar="table|json"),
]
Pool = Annotated[str | None, typer.Option("--pool", "-p", help="Name of the work pool.", metavar="NAME")]
Limit = Annotated[
    int | None,
    typer.Option("--concurrency-limit", help="How many runs may go at once.", min=0, max=5000, metavar="N"),
]
NoLimit = Annotated[bool, typer.Option("--no-concurrency-limit", help="Take the concurrency limit away.")]
CancelRuns = Annotated[bool, typer.Option("--cancel-runs", help="Cancel the runs that wait in it.")]
DeploymentName = Annotated[
    str, typer.Argument(help="Its full name, or its id.", metavar="FLOW/NAME", show_default=False)
]
Param = Annotated[
    list[str] | None,
    typer.Option(
        "--param", help="A parameter; the value is JSON, or else text. May be repeated.", metavar="KEY=VALUE"
    ),
]
Params = Annotated[
    str | None,
    typer.Option(
        "--params",
        help="All parameters as one JSON object; @FILE reads it from a file, - from standard input.",
        metavar="JSON",
        callback=params_text,
    ),
]
Tag = Annotated[list[str] | None, typer.Option("--tag", "-t", help="A tag. May be repeated.", metavar="TAG")]
JobVariable = Annotated[
    list[str] | None,
    typer.Option(
        "--job-variable", help="A value for the pool's job template. May be repeated.", metavar="KEY=VALUE"
    ),
]


class OnDisconnect(StrEnum):
    """What becomes of running flows when the control plane is away for longer than the lease."""

    KILL = "kill"
    CONTINUE = "continue"


def check_names(*names: str) -> None:
    """Refuse what cannot be the name of a pool, a queue or a worker."""
    for name in names:
        if not name.strip() or "/" in name:
            raise BadUsage(
                f"{name!r} is not a name.", "A name has characters other than blanks, and no slash."
            )


def read_limit(limit: int | None, *, none: bool) -> dict[str, Any]:
    """The change that `--concurrency-limit` and `--no-concurrency-limit` ask for."""
    if none and limit is not None:
        raise BadUsage(
            "--concurrency-limit and --no-concurrency-limit contradict each other.", "Give one of them."
        )
    if none:
        return {"concurrency_limit": None}
    return {} if limit is None else {"concurrency_limit": limit}


def removal(*, cancel_runs: bool, move_to: str | None = None) -> DeleteOptions:
    """What becomes of waiting runs when their pool, queue or deployment goes."""
    from headrace.contract.work_pools import DeleteOptions

    if cancel_runs and move_to is not None:
        raise BadUsage("--cancel-runs and --move-to contradict each other.", "Give one of them.")
    return DeleteOptions(cancel_runs=cancel_runs, move_to=move_to)


def nothing_to_change(command: str) -> BadUsage:
    """An update that changes nothing is a mistake."""
    return BadUsage(
        "There is nothing to change.", f"Give at least one option, see: headrace {command} --help"
    )
