"""Which flow, under which name; and what loading it tells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.cli.deploying.facts import facts_of
from headrace.cli.errors import BadUsage, CliError
from headrace.cli.output import note
from headrace.cli.wizard.ask import confirm, fits, select, text

if TYPE_CHECKING:
    from headrace.cli.inspection import FlowFacts
    from headrace.client.api import Api
    from headrace.contract.deployments import Deployment
    from headrace.project.discovery import FoundFlow

SHOWN = 5


def ask_entrypoint(folder: Path) -> str:
    """One of the flows below the folder."""
    from headrace.project.discovery import find_flows

    found = find_flows(folder)
    for skipped in found.skipped[:SHOWN]:
        note(f"Skipped {skipped.file}: {skipped.reason}.")
    if len(found.skipped) > SHOWN:
        note(f"Skipped {len(found.skipped) - SHOWN} more files.")
    if not found.flows:
        raise BadUsage(
            f"There is no flow in the {found.files} Python files below {folder}.",
            "A flow is a function under `@flow` (from headrace import flow).",
        )
    flows = offered(found.flows, folder)
    width = max(len(flow.loadable) for flow in flows)
    choices = [(f"{flow.loadable:{width}}  {flow.summary}".rstrip(), flow.loadable) for flow in flows]
    return select("Which flow?", choices)


def offered(flows: Sequence[FoundFlow], folder: Path) -> list[FoundFlow]:
    """Without those of links to other files that are offered as well."""
    files = {flow.file: folder / flow.file for flow in flows}
    own = {path.resolve() for path in files.values() if not path.is_symlink()}
    return [
        flow for flow in flows if not (files[flow.file].is_symlink() and files[flow.file].resolve() in own)
    ]


def ask_facts(entrypoint: str, folder: Path, *, check: bool) -> tuple[FlowFacts, bool]:
    """Load the flow; one that does not load may be deployed all the same. Second: whether it was loaded."""
    try:
        return facts_of(entrypoint, folder, check=check), check
    except CliError as error:
        if not check or isinstance(error, BadUsage):
            raise
        note(f"Warning: {error.message}\n{error.hint or ''}".rstrip())
    if not confirm("Deploy it all the same, without looking at it?", default=False):
        raise CliError("Stopped: nothing was made.")
    return facts_of(entrypoint, folder, check=False), False


def ask_name() -> str:
    """The deployment's name."""
    from headrace.contract.base import Name

    return text("Name of the deployment:", "main", fits(Name, "a name"))


def find_existing(api: Api, full_name: str) -> Deployment | None:
    """The deployment that would be changed, if there is one; and say so."""
    from headrace.client.errors import NotFound

    try:
        found = api.deployments.read_by_name(full_name)
    except NotFound:
        return None
    note(
        f"Deployment {full_name!r} exists: this changes it. What you leave as it is, it keeps, but for what its flow "
        "says of itself."
    )
    return found
