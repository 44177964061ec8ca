"""Versions of deployments: listed, compared, gone back to, pinned."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from chalicelib.domain import versions
from chalicelib.domain.deployments import Deployment
from chalicelib.domain.errors import Conflict, Invalid, NotFound
from chalicelib.domain.versions import Definition, FieldChange, Version
from chalicelib.services.definitions import Definitions, schedules_of
from chalicelib.services.deployments import Deployments
from chalicelib.services.numbering import By, again, definition_of
from chalicelib.services.ports import Ports


class Versions:
    """Use cases of versions."""

    def __init__(self, ports: Ports, deployments: Deployments, definitions: Definitions) -> None:
        self._ports = ports
        self._deployments = deployments
        self._definitions = definitions

    def page(self, deployment_id: UUID, below: int | None, limit: int) -> tuple[list[Version], int | None]:
        """Versions, the latest first, below a number; and the number to go on below."""
        deployment = self._deployments.read(deployment_id)
        start = deployment.latest_version_number + 1 if below is None else below
        found = self._ports.versions.page(deployment.id, start, limit)
        more = len(found) == limit and found[-1].number > 1
        return found, found[-1].number if more else None

    def read(self, deployment_id: UUID, number: int) -> tuple[Version, Definition]:
        """One version with its definition; raises `NotFound`."""
        deployment = self._deployments.read(deployment_id)
        definition = definition_of(self._ports, deployment, number)
        version = self._ports.versions.read(deployment.id, number)
        if version is None:
            raise NotFound(f"Deployment {deployment.full_name!r} has no version {number}.")
        return version, definition

    def diff(self, deployment_id: UUID, number: int, to: int | None) -> tuple[int, list[FieldChange]]:
        """The other version (without one: that in force), and what it has otherwise, field by field."""
        deployment = self._deployments.read(deployment_id)
        other = deployment.version_number if to is None else to
        old, new = (definition_of(self._ports, deployment, one) for one in (number, other))
        return other, versions.changes(old, new)

    def rollback(self, deployment_id: UUID, number: int, author: str | None) -> tuple[Deployment, bool]:
        """Make a version that says what an old one says, and put it in force. False if that is so already."""

        def change() -> tuple[Deployment, bool]:
            before = self._deployments.read(deployment_id)
            definition = definition_of(self._ports, before, number)
            if before.pinned:
                raise _is_pinned(before, number)
            wanted = versions.restored(before, definition)
            wishes = schedules_of(definition)
            after = self._explained(
                before,
                number,
                lambda: self._definitions.deploy(wanted, before, wishes, By(author, rolled_back_to=number)),
            )
            return after, after.version_number != before.version_number

        return again(change)

    def pin(self, deployment_id: UUID, number: int | None) -> Deployment:
        """Put a version (without a number: the one in force) in force until `unpin`, whatever is deployed."""

        def change() -> Deployment:
            before = self._deployments.read(deployment_id)
            wanted = before.version_number if number is None else number
            definition_of(self._ports, before, wanted)
            return self._pointed(before, wanted, pinned=True)

        return again(change)

    def unpin(self, deployment_id: UUID) -> Deployment:
        """Put the latest version in force: what was deployed meanwhile."""

        def change() -> Deployment:
            before = self._deployments.read(deployment_id)
            if not before.pinned:
                return before
            return self._pointed(before, before.latest_version_number, pinned=False)

        return again(change)

    def _pointed(self, before: Deployment, number: int, *, pinned: bool) -> Deployment:
        return self._explained(before, number, lambda: self._definitions.point(before, number, pinned=pinned))

    def _explained(self, deployment: Deployment, number: int, put: Callable[[], Deployment]) -> Deployment:
        """Say which version it was that does not fit any more: its pool or queue may be gone since."""
        try:
            return put()
        except (NotFound, Invalid) as error:
            text = f"Version {number} of {deployment.full_name!r} cannot be put in force: {error.message}"
            raise type(error)(text, code=error.code, hint=error.hint, errors=error.errors) from error


def _is_pinned(deployment: Deployment, number: int) -> Conflict:
    name, pinned = deployment.full_name, deployment.version_number
    return Conflict(
        f"Deployment {name!r} is pinned at version {pinned}: a rollback would change nothing that runs.",
        code="pinned",
        hint=f"`headrace deployment pin {name} {number}` pins that version instead; `unpin` lets go.",
    )
