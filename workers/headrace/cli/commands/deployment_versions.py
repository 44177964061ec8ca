"""`headrace deployment versions|diff|rollback|pin|unpin`: what was deployed before, and the way back to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from headrace.cli.connect import connect, rows_of
from headrace.cli.errors import CliError
from headrace.cli.lookup import deployment_reference, find_deployment, full_name, quoted_name
from headrace.cli.options import DeploymentName, Output
from headrace.cli.output import Format, print_json, report, say
from headrace.cli.tables import Column, listing, print_table
from headrace.cli.times import show_ago
from headrace.contract.pull_steps import PREFECTS, PREFIX, local_folder

if TYPE_CHECKING:
    from typing import Any

    from headrace.contract.deployments import Deployment
    from headrace.contract.versions import FieldChange, Version

MOST = 99_999_999
Number = Annotated[
    int,
    typer.Argument(help="Number of the version.", metavar="VERSION", min=1, max=MOST, show_default=False),
]
MaybeNumber = Annotated[
    int | None,
    typer.Argument(
        help="Number of the version; else the one in force.", metavar="[VERSION]", min=1, max=MOST
    ),
]
COLUMNS = (
    Column("Version", style="bold"),
    Column("Label"),
    Column("Code", solid=True),
    Column("Made", solid=True),
    Column("By"),
    Column("What changed"),
)
DIFF_COLUMNS = (Column("Member", style="bold"), Column("Before"), Column("After"))
SHOWN = 3
"""Changed members that the table names; `diff` has them all."""
LONG = 90
"""Characters of a value that a diff shows."""


def versions(
    name: DeploymentName,
    *,
    limit: Annotated[int, typer.Option("--limit", help="How many to show.", min=1, max=10_000)] = 20,
    output: Output = Format.TABLE,
) -> None:
    """List the versions of a deployment, the latest first."""
    from headrace.contract.versions import VersionList

    deployment_reference(name)
    with connect() as api:
        deployment = find_deployment(api, name)
        found = rows_of(lambda request: api.versions.list(deployment.id, request), VersionList(), limit)
    now = datetime.now(UTC)
    listing(
        output,
        found,
        COLUMNS,
        lambda one: _row(one, deployment, now),
        "No versions yet: deploy it once more.",
    )


def _row(version: Version, deployment: Deployment, now: datetime) -> list[object]:
    mark = ""
    if version.number == deployment.version_number:
        mark = "pinned" if deployment.pinned else "in force"
    return [
        f"{version.number} {mark}".strip(),
        version.version,
        code_of(version),
        show_ago(version.created, now),
        version.created_by,
        _changed(version),
    ]


def code_of(version: Version) -> str | None:
    """Which code a version runs, shortened for people."""
    if version.commit:
        return version.commit[:12]
    return f"bundle {version.digest.removeprefix('sha256:')[:12]}" if version.digest else None


def _changed(version: Version) -> str:
    names = ", ".join(map(_shortened, version.changed[:SHOWN]))
    more = f" and {len(version.changed) - SHOWN} more" if len(version.changed) > SHOWN else ""
    if version.rolled_back_to is not None:
        return f"rolled back to {version.rolled_back_to}: {names}{more}"
    return f"{names}{more}" or "first one"


def _shortened(path: str) -> str:
    """A path for people: the steps of Headrace and of Prefect are known by their last word."""
    return path.replace(PREFIX, "").replace(PREFECTS, "")


def diff(
    name: DeploymentName,
    old: Annotated[
        int | None,
        typer.Argument(help="A version; else the one before the other.", metavar="[OLD]", min=1, max=MOST),
    ] = None,
    new: Annotated[
        int | None,
        typer.Argument(help="Another version; else the one in force.", metavar="[NEW]", min=1, max=MOST),
    ] = None,
    *,
    output: Output = Format.TABLE,
) -> None:
    """Show member by member what one version of a deployment says otherwise than another."""
    deployment_reference(name)
    with connect() as api:
        deployment = find_deployment(api, name)
        to = deployment.version_number if new is None else new
        first = to - 1 if old is None else old
        if first < 1:
            raise CliError(f"{full_name(deployment)!r} has no version before {to}.", "Name two versions.")
        found = api.versions.diff(deployment.id, first, to)
    if output is Format.JSON:
        print_json(found)
        return
    say(f"{full_name(deployment)}: version {found.number} -> {found.to}")
    print_table(DIFF_COLUMNS, map(_sides, found.changes), "They say the same.")


def _sides(change: FieldChange) -> list[str]:
    return [
        _shortened(change.path),
        "-" if change.kind == "added" else _brief(change.before),
        "-" if change.kind == "removed" else _brief(change.after),
    ]


def _brief(value: Any) -> str:
    import json

    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONG else f"{text[: LONG - 3]}..."


def rollback(name: DeploymentName, version: Number, *, output: Output = Format.TABLE) -> None:
    """Put an old version in force again, its schedules and limits included, as a new version."""
    deployment_reference(name)
    with connect() as api:
        deployment = find_deployment(api, name)
        after, made = api.versions.rollback(deployment.id, version)
    if made:
        done = f"Rolled {full_name(after)!r} back to version {version}; it is version {after.version_number} now."
    else:
        done = f"Nothing changed: {full_name(after)!r} says already what version {version} says."
    lines = [done, "Runs that have not started yet run it; what has started keeps its version."]
    if (folder := local_folder(after.pull_steps)) is not None:
        now = f"Its code is the folder {folder} as it is now"
        lines.append(f"{now}: versions keep code only with a git or bundle source.")
    report(output, after, *lines)


def pin(name: DeploymentName, version: MaybeNumber = None, *, output: Output = Format.TABLE) -> None:
    """Keep a version in force, whatever is deployed: deploys make versions that wait for `unpin`."""
    deployment_reference(name)
    with connect() as api:
        after = api.versions.pin(find_deployment(api, name).id, version)
    report(
        output,
        after,
        f"Pinned {full_name(after)!r} at version {after.version_number}.",
        f"Let go of it:  headrace deployment unpin {quoted_name(after)}",
    )


def unpin(name: DeploymentName, *, output: Output = Format.TABLE) -> None:
    """Let go of a pin: the latest version is in force."""
    deployment_reference(name)
    with connect() as api:
        after = api.versions.unpin(find_deployment(api, name).id)
    report(output, after, f"{full_name(after)!r} is not pinned: version {after.version_number} is in force.")


def register(app: typer.Typer) -> None:
    """Add these commands to the group of deployments."""
    for command in (versions, diff, rollback, pin, unpin):
        app.command(command.__name__)(command)


def number_shown(deployment: Deployment) -> str | None:
    """The version in force, and what waits behind a pin."""
    if not deployment.version_number:
        return None
    label = f" ({deployment.version})" if deployment.version else ""
    pinned = f", pinned; the latest is {deployment.latest_version_number}" if deployment.pinned else ""
    return f"{deployment.version_number}{label}{pinned}"
