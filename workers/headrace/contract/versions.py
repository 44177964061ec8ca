"""Versions of deployments: what each deploy that changed something has left."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from pydantic import Field

from headrace.contract.base import Answer, Counter, Json, ListRequest, Request, Time


class Version(Answer):
    """An immutable version of a deployment. `version` is its label, `changed` what differs from the one before.

    `commit` or `digest` says which code it runs; `created_by` is who deployed, as the client said.
    """

    deployment_id: UUID
    number: int
    created: Time
    version: str | None = None
    commit: str | None = None
    digest: str | None = None
    created_by: str | None = None
    changed: list[str] = Field(default_factory=list)
    rolled_back_to: int | None = None


class FullVersion(Version):
    """A version with all that it says: the deployment's members, and its schedules by slug."""

    definition: Json


class VersionList(ListRequest):
    """`POST /deployments/{id}/versions/filter`: the latest first."""


class DiffQuery(Request):
    """The query of a diff: `to` is the other version, else the one in force."""

    to: Counter | None = None


class ChangeKind(StrEnum):
    """What happened to a member from the one version to the other."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class FieldChange(Answer):
    """One member that differs, by its dotted path."""

    path: str
    kind: ChangeKind
    before: object | None = None
    after: object | None = None


class Diff(Answer):
    """What version `to` says otherwise than version `number`."""

    number: int
    to: int
    changes: list[FieldChange]


class Rollback(Request):
    """`POST /deployments/{id}/rollback`: the version to go back to. 201 when made, 200 when it is so already."""

    version: Counter


class Pin(Request):
    """`POST /deployments/{id}/pin`: the version to stay at, else the one in force."""

    version: Counter | None = None
