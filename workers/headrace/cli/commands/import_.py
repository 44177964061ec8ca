"""`headrace import`: writes a `headrace.yaml` from a `prefect.yaml` or a crontab."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headrace.cli.deploying.project_errors import translated
from headrace.cli.errors import BadUsage, CliError
from headrace.cli.output import counted, note, say

if TYPE_CHECKING:
    from headrace.client.api import Api
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
    from headrace.project import FILE

    is_crontab = what[0] == "crontab" and len(what) == 2
    if len(what) != 1 and not is_crontab:
        raise BadUsage(
            "Name one file.", "Write: headrace import prefect.yaml, or headrace import crontab FILE"
        )
    if what[-1].endswith(".ndjson"):
        raise BadUsage(f"{what[-1]} looks like an export.", f"Write: headrace import-data {what[-1]}")
    target, source = Path(FILE), Path(what[-1])
    with translated():
        imported = _from_crontab(source) if is_crontab else _from_prefect(source)
        if target.exists() and not force:
            raise CliError(f"{FILE} is here already.", "Replace it with --force.")
        if is_crontab:
            _write_flow(force=force)
        _write(imported, target, source)
    for problem in imported.notes:
        note(problem.text(source.name))
    deployments = counted(len(imported.data["deployments"]), "deployment")
    say(f"Wrote {FILE}: {deployments}, {counted(len(imported.notes), 'note')} above.", "green")
    say("Look at what it would do:  headrace deploy --plan")


def _from_prefect(source: Path) -> Imported:
    from headrace.project.prefect_file import from_prefect
    from headrace.project.yamlfile import read_yaml

    return from_prefect(read_yaml(source))


def _from_crontab(source: Path) -> Imported:
    """The crontab with the schedules that the control plane takes, if one answers."""
    from headrace.project.crontab_file import from_crontab
    from headrace.project.errors import Problem

    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadUsage(
            f"Cannot read {source}: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}."
        ) from None
    name = Path.cwd().name or "crontab"
    with ExitStack() as stack:
        api = _control_plane(stack)
        if api is not None:
            return from_crontab(text, name, partial(_refusal, api))
    imported = from_crontab(text, name)
    message = "the times are not checked, since no control plane answers: see `headrace server start`"
    imported.notes.insert(0, Problem(0, "", message))
    return imported


def _control_plane(stack: ExitStack) -> Api | None:
    """The control plane, if the settings name one and it answers."""
    from headrace.cli.connect import connect
    from headrace.client.errors import ApiError

    try:
        api = stack.enter_context(connect())
        api.system.health()
    except (CliError, ApiError):
        return None
    return api


def _refusal(api: Api, times: dict[str, Any]) -> str | None:
    """Why the control plane does not take a schedule, if so."""
    from headrace.cli.schedules import read_schedule
    from headrace.client.errors import Invalid
    from headrace.contract.schedules import SchedulePreview

    try:
        found = api.schedules.preview(SchedulePreview(schedule=read_schedule(times).schedule))
    except (Invalid, BadUsage) as error:
        return error.message
    return None if found.times else "no run would come about within five years"


def _write_flow(*, force: bool) -> None:
    from headrace.project.crontab_file import FLOW, FLOW_FILE
    from headrace.project.write import write_safely

    flow = Path(FLOW_FILE)
    if flow.exists() and flow.read_text(encoding="utf-8") != FLOW and not force:
        raise CliError(f"There is another {FLOW_FILE} here already.", "Replace it with --force.")
    write_safely(flow, FLOW)


def _write(imported: Imported, target: Path, source: Path) -> None:
    """The file, and the schema that its first line names."""
    from headrace.project.schema import schema_text
    from headrace.project.write import HEADER, SCHEMA, to_yaml, write_safely

    write_safely(target.with_name(SCHEMA), schema_text())
    write_safely(target, f"{HEADER}# Imported from {source.name}.\n{to_yaml(imported.data)}")
