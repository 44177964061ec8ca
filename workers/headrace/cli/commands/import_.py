"""`headrace import`: writes a `headrace.yaml` from a `prefect.yaml` or a crontab."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headrace.cli.deploying.project_errors import translated
from headrace.cli.errors import BadUsage, CliError
from headrace.cli.output import note, say

if TYPE_CHECKING:
    from headrace.project.prefect_file import Imported


def command(
    what: Annotated[
        list[str],
        typer.Argument(help="prefect.yaml, or: crontab FILE.", metavar="[crontab] FILE", show_default=False),
    ],
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace a headrace.yaml that is there.")] = False,
) -> None:
    """Write a headrace.yaml from a prefect.yaml or a crontab, and list what has no counterpart."""
    from headrace.project.read import FILE

    is_crontab = what[0] == "crontab" and len(what) == 2
    if len(what) != 1 and not is_crontab:
        raise BadUsage(
            "Name one file.", "Write: headrace import prefect.yaml, or headrace import crontab FILE"
        )
    if what[-1].endswith(".ndjson"):
        raise BadUsage(f"{what[-1]} looks like an export.", f"Write: headrace import-data {what[-1]}")
    target = Path(FILE)
    if target.exists() and not force:
        raise CliError(f"There is a {FILE} here already.", "Replace it with --force.")
    source = Path(what[-1])
    with translated():
        imported = _from_crontab(source, force=force) if is_crontab else _from_prefect(source)
        _write(imported, target, source)
    for problem in imported.notes:
        note(problem.text(source.name))
    count = len(imported.data["deployments"])
    say(
        f"Wrote {FILE}: {count} deployment{'' if count == 1 else 's'}, {len(imported.notes)} notes above.",
        "green",
    )
    say("Look at what it would do:  headrace deploy --plan")


def _from_prefect(source: Path) -> Imported:
    from headrace.project.prefect_file import from_prefect
    from headrace.project.yamlfile import read_yaml

    return from_prefect(read_yaml(source))


def _from_crontab(source: Path, *, force: bool) -> Imported:
    from headrace.project.crontab_file import FLOW, FLOW_FILE, from_crontab
    from headrace.project.write import write_safely

    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadUsage(
            f"Cannot read {source}: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}."
        ) from None
    flow = Path(FLOW_FILE)
    if flow.exists() and flow.read_text(encoding="utf-8") != FLOW and not force:
        raise CliError(f"There is another {FLOW_FILE} here already.", "Replace it with --force.")
    write_safely(flow, FLOW)
    return from_crontab(text, Path.cwd().name or "crontab")


def _write(imported: Imported, target: Path, source: Path) -> None:
    """The file, and the schema that its first line names."""
    from headrace.project.schema import schema_text
    from headrace.project.write import HEADER, SCHEMA, to_yaml, write_safely

    write_safely(target.with_name(SCHEMA), schema_text())
    write_safely(target, f"{HEADER}# Imported from {source.name}.\n{to_yaml(imported.data)}")
