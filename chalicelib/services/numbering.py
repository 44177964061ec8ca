"""How a change of a deployment becomes its next version, and how one that lost a race is tried again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from chalicelib.domain import versions
from chalicelib.domain.deployments import Deployment
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.versions import Definition, NewVersion
from chalicelib.services.ports import Ports

T = TypeVar("T")
TRIES = 5


class Raced(Exception):
    """Somebody else changed the deployment between the reading and the writing; nothing was written."""


@dataclass(frozen=True, slots=True)
class By:
    """Who made a change, and the version that it goes back to, if it does."""

    author: str | None = None
    rolled_back_to: int | None = None


def again(change: Callable[[], T]) -> T:
    """Read, decide and write until nobody is in between. Raises `Conflict` when somebody always is."""
    for _ in range(TRIES):
        try:
            return change()
        except Raced:
            continue
    raise Conflict("The deployment is being changed by others.", code="busy", hint="Try again.")


def next_version(
    ports: Ports, deployment: UUID, before: Deployment | None, old: Definition, new: Definition, by: By
) -> NewVersion | None:
    """The version that a change makes: None if it changes nothing of the definition.

    A deployment made again after it was deleted goes on with its numbers.
    """
    found = versions.changes(old, new) if before and before.latest_version_number else []
    is_first = before is None or not before.latest_version_number
    is_worth_it = bool(found) if by.rolled_back_to else versions.makes_a_version(found)
    if not (is_first or is_worth_it):
        return None
    last = (before.latest_version_number if before else 0) or ports.versions.latest(deployment)
    version = versions.version_of(
        deployment,
        last + 1,
        new,
        found,
        created=ports.clock(),
        created_by=by.author,
        rolled_back_to=by.rolled_back_to,
    )
    return NewVersion(version, new)


def deployment_of(ports: Ports, deployment: UUID, full_name: str | None = None) -> Deployment:
    """A deployment by id; raises `NotFound`, with its full name if it was asked for by that."""
    found = ports.deployments.read(deployment)
    if found is None:
        what = repr(full_name) if full_name else deployment
        raise NotFound(f"There is no deployment {what}.", hint="`headrace deployment ls` lists them.")
    return found


def definition_of(ports: Ports, deployment: Deployment, number: int) -> Definition:
    """What a version of a deployment says; raises `NotFound`."""
    found = ports.versions.definition(deployment.id, number)
    if found is None:
        raise NotFound(
            f"Deployment {deployment.full_name!r} has no version {number}.",
            hint=f"`headrace deployment versions {deployment.full_name}` lists them.",
        )
    return found
