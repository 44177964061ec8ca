"""`headrace export`: everything that people made, as lines of a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headrace import __version__
from headrace.cli.connect import connect
from headrace.cli.errors import CliError
from headrace.cli.options import Output
from headrace.cli.output import Format, counted, report

if TYPE_CHECKING:
    from headrace.client.api import Api


def command(
    file: Annotated[
        Path, typer.Argument(help="The file to write.", metavar="FILE.ndjson", show_default=False)
    ],
    *,
    runs: Annotated[
        bool, typer.Option("--runs", help="Flow runs as well, for reading: an import leaves them out.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    output: Output = Format.TABLE,
) -> None:
    """Write all pools, queues, flows, limits, variables, deployments and schedules into a file.

    No secret is in it: neither API keys, nor what the references of a deployment stand for.
    """
    check_free(file, force=force)
    with connect() as api:
        counts = export(api, file, runs=runs)
    report(output, counts, told(file, counts), f"Elsewhere:  headrace import-data {file}")


def check_free(file: Path, *, force: bool = False) -> None:
    """Refuse to write over a file."""
    if file.exists() and not force:
        raise CliError(f"{file} is there already.", "Replace it with --force.")


def export(api: Api, file: Path, *, runs: bool = False) -> dict[str, int]:
    """Write the file; how many records of each kind it has."""
    from headrace.cli.transfer import file as transfer

    return transfer.write(file, _rows(api, runs=runs), __version__)


def told(file: Path, counts: dict[str, int]) -> str:
    """What was written, for people."""
    said = ", ".join(counted(count, kind.replace("_", " ")) for kind, count in counts.items()) or "nothing"
    return f"Wrote {file}: {said}."


def _rows(api: Api, *, runs: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    from headrace.cli.transfer.kinds import KINDS, RUN

    for kind in KINDS.values():
        yield from ((kind.name, record) for record in sorted(kind.all(api), key=kind.key))
    if runs:
        from headrace.client.resource import each
        from headrace.contract.flow_runs import FlowRunList, RunSort

        wanted = FlowRunList(sort=RunSort.EXPECTED_START_TIME_ASC)
        yield from ((RUN, run.model_dump(mode="json")) for run in each(api.runs.list, wanted))
