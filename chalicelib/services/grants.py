"""What a worker is told of a run that is granted to it: the version of its deployment that it runs.

A run that has never started takes the version in force at its claim, so a rollback also holds for what waits.
From its first start on it keeps that version: retries, and runs that a person starts again, run the same code.
Parameters, tags, retries and place are the run's own, from when it was made; what schedules have made is made anew
when their deployment changes these (see `schedules`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from chalicelib.domain import versions
from chalicelib.domain.deployments import Deployment
from chalicelib.domain.runs import Run
from chalicelib.services.ports import Ports


@dataclass(frozen=True, slots=True)
class Granted:
    """A run that is the session's, with the deployment as its version says how it is started."""

    run: Run
    deployment: Deployment | None


def grants(ports: Ports, runs: Sequence[Run], known: Mapping[UUID, Deployment]) -> list[Granted]:
    """Runs with their deployments, of which some are `known`. Old versions are read only where a run has one."""
    missing = {run.deployment_id for run in runs if run.deployment_id} - known.keys()
    found = {**known, **(ports.deployments.read_many(missing) if missing else {})}
    owners = [found.get(run.deployment_id) if run.deployment_id else None for run in runs]
    old = {
        (owner.id, run.deployment_version_number)
        for run, owner in zip(runs, owners, strict=True)
        if owner and run.deployment_version_number not in (None, owner.version_number)
    }
    definitions = ports.versions.definitions(old) if old else {}
    return [
        Granted(run, _at_version(owner, run, definitions)) for run, owner in zip(runs, owners, strict=True)
    ]


def _at_version(
    owner: Deployment | None, run: Run, definitions: Mapping[tuple[UUID, int], versions.Definition]
) -> Deployment | None:
    if owner is None:
        return None
    definition = definitions.get((owner.id, run.deployment_version_number or 0))
    return versions.restored(owner, definition) if definition else owner
