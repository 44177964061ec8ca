"""What is known of a flow: by loading it in a child process, or only by reading its source."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from headrace.cli.errors import CliError
from headrace.cli.inspection import FlowFacts, check_entrypoint, inspect_flow


def facts_of(entrypoint: str, folder: Path, *, check: bool) -> FlowFacts:
    """What a deployment takes over from its flow."""
    check_entrypoint(entrypoint, folder)
    _refuse_task(entrypoint, folder)
    if not check:
        return _by_reading(entrypoint, folder)
    try:
        return inspect_flow(entrypoint, folder)
    except CliError as error:
        advice = "Deploy it unseen with --no-check, if it can only be loaded where it runs."
        raise CliError(error.message, f"{error.hint}\n{advice}" if error.hint else advice) from error


def facts_of_command(flow_name: str) -> FlowFacts:
    """A command tells nothing of itself, and takes no parameters: nothing would hand them over."""
    return replace(unseen(flow_name), enforce_parameter_schema=True)


def _by_reading(entrypoint: str, folder: Path) -> FlowFacts:
    """The name and first line that the source tells; no schema, so parameters are not checked."""
    from headrace.project.discovery import find_flows

    file, function = _place(entrypoint)
    found = [
        flow for flow in find_flows(folder).flows if flow.entrypoint == f"{Path(file).as_posix()}:{function}"
    ]
    if found:
        return unseen(found[0].name, found[0].summary or None)
    return unseen(function.replace("_", "-"))


def _refuse_task(entrypoint: str, folder: Path) -> None:
    from headrace.project.discovery import is_task

    file, function = _place(entrypoint)
    if is_task(folder, f"{file}:{function}"):
        raise CliError(
            f"{function!r} in {file} is a task, not a flow.",
            "Name a flow that calls it, or put @flow above it instead.",
        )


def _place(entrypoint: str) -> tuple[str, str]:
    """The file, also of a module, and the function."""
    place, _, function = entrypoint.rpartition(":")
    return (place if place.endswith(".py") else f"{place.replace('.', '/')}.py"), function


def unseen(flow_name: str, description: str | None = None) -> FlowFacts:
    """What is known of a flow that is not looked at; its parameters are not checked."""
    return FlowFacts(
        flow_name=flow_name,
        description=description,
        version=None,
        retry_policy=None,
        timeout_seconds=None,
        parameter_openapi_schema={"type": "object", "properties": {}},
        enforce_parameter_schema=False,
    )
