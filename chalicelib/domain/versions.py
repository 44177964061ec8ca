"""Versions of a deployment: what one holds, how two differ, and how one becomes a deployment again.

A *definition* is all that says how a deployment runs, as JSON values in the words of the API, with its
schedules by slug. Whether the deployment or a schedule is paused is no part of it: a pause belongs to the
moment, and going back to an old version must neither lift nor set one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from chalicelib.domain import retry
from chalicelib.domain.deployments import Deployment, ScheduleRecord

Definition = Mapping[str, Any]
MEMBERS = (
    "version",
    "version_info",
    "description",
    "concurrency_limit",
    "job_variables",
    "parameters",
    "parameter_openapi_schema",
    "enforce_parameter_schema",
    "tags",
    "labels",
    "work_pool_name",
    "work_queue_name",
    "path",
    "entrypoint",
    "pull_steps",
    "timeout_seconds",
)
SCHEDULE_OPTIONS = (
    "parameters",
    "max_scheduled_runs",
    "jitter",
    "catchup",
    "max_lateness",
    "overlap",
    "dst",
)
FROZEN = frozenset({"parameters", "tags", "work_pool_name", "work_queue_name", "retry_policy"})
"""Members that a run takes when it is made; all others it takes at its claim."""
NOT_COUNTED = "version_info"
"""It tells about a version and makes none by itself."""
MOST_PATHS = 40
"""Paths of changes that a version names; the diff has them all."""
LONGEST_PATH = 200
_ABSENT = object()


class Kind(StrEnum):
    """What happened to a member."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One member that differs, by its dotted path; `before` or `after` is None where it was absent."""

    path: str
    kind: Kind
    before: Any = None
    after: Any = None


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a deployment, without its definition. It never changes, and its number is never used again.

    `changed` names what differs from the version before it. `label`, `commit` and `digest` are drawn from the
    definition; `created_by` is what the client said.
    """

    deployment_id: UUID
    number: int
    created: datetime
    label: str | None = None
    commit: str | None = None
    digest: str | None = None
    created_by: str | None = None
    changed: Sequence[str] = ()
    rolled_back_to: int | None = None


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version about to be written, with its definition."""

    version: Version
    definition: Definition = field(repr=False)


def define(deployment: Deployment, schedules: Mapping[str, Definition]) -> Definition:
    """The definition of a deployment with these schedules."""
    members = {name: getattr(deployment, name) for name in MEMBERS}
    policy = deployment.retry_policy
    members["concurrency_options"] = {"collision_strategy": deployment.collision_strategy}
    members["retry_policy"] = asdict(policy) if policy else None
    members["schedules"] = dict(schedules)
    plain: Definition = json.loads(json.dumps(members))
    return plain


def described(schedules: Sequence[ScheduleRecord]) -> dict[str, Definition]:
    """Schedules as a definition has them, by slug."""
    return {
        record.slug: {"schedule": record.spec, **{name: getattr(record, name) for name in SCHEDULE_OPTIONS}}
        for record in schedules
        if not record.deleted
    }


def restored(deployment: Deployment, definition: Definition) -> Deployment:
    """The deployment as a definition says; its identity, its pauses and its bookkeeping stay."""
    policy = definition["retry_policy"]
    return replace(
        deployment,
        **{name: definition[name] for name in MEMBERS},
        collision_strategy=definition["concurrency_options"]["collision_strategy"],
        retry_policy=retry.policy(policy) if policy is not None else None,
    )


def changes(old: Definition, new: Definition) -> list[FieldChange]:
    """Field by field, what differs between two definitions, in order of the paths."""
    return list(_differences("", old, new))


def makes_a_version(found: Sequence[FieldChange]) -> bool:
    """Whether these changes are worth a version of their own."""
    return any(change.path.partition(".")[0] != NOT_COUNTED for change in found)


def makes_other_runs(old: Definition, new: Definition) -> bool:
    """Whether what schedules have made ahead would be made otherwise now."""
    return any(change.path.partition(".")[0] in FROZEN for change in changes(old, new))


def version_of(
    deployment_id: UUID,
    number: int,
    definition: Definition,
    changed: Sequence[FieldChange],
    *,
    created: datetime,
    created_by: str | None,
    rolled_back_to: int | None = None,
) -> Version:
    """The record of a version; without an author it is the one that `version_info` names."""
    info = definition.get("version_info") or {}
    commit, digest = _source(definition)
    paths = [change.path[:LONGEST_PATH] for change in changed]
    more = len(paths) - MOST_PATHS
    shown = [*paths[:MOST_PATHS], f"and {more} more"] if more > 0 else paths
    return Version(
        deployment_id=deployment_id,
        number=number,
        created=created,
        label=definition.get("version"),
        commit=commit or _text(info.get("commit_sha") or info.get("commit")),
        digest=digest,
        created_by=created_by or _text(info.get("author")),
        changed=shown,
        rolled_back_to=rolled_back_to,
    )


def _differences(path: str, old: Any, new: Any) -> Iterator[FieldChange]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            yield from _member(f"{path}.{name}" if path else name, old, new, name)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for place, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _differences(f"{path}.{place}", before, after)
    elif not _same(old, new):
        yield FieldChange(path, Kind.CHANGED, old, new)


def _member(path: str, old: Mapping[str, Any], new: Mapping[str, Any], name: str) -> Iterator[FieldChange]:
    before, after = old.get(name, _ABSENT), new.get(name, _ABSENT)
    if before is _ABSENT:
        yield FieldChange(path, Kind.ADDED, after=after)
    elif after is _ABSENT:
        yield FieldChange(path, Kind.REMOVED, before=before)
    else:
        yield from _differences(path, before, after)


def _same(old: Any, new: Any) -> bool:
    """As JSON Schema compares: 1 is 1.0, and true is not 1."""
    return bool(old == new) and isinstance(old, bool) is isinstance(new, bool)


def _source(definition: Definition) -> tuple[str | None, str | None]:
    """The git commit and the bundle's digest that the pull steps pin."""
    commit = digest = None
    for step in definition.get("pull_steps") or ():
        for name, options in step.items():
            said = options if isinstance(options, dict) else {}
            if name.endswith("git_clone"):
                commit = commit or _text(said.get("commit") or said.get("commit_sha"))
            elif name.endswith("pull_bundle"):
                digest = digest or _text(said.get("digest"))
    return commit, digest


def _text(value: object) -> str | None:
    return value[:LONGEST_PATH] if isinstance(value, str) and value else None
