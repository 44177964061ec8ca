"""What must be done so that the control plane has what the project says: plain values, worked out without I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from headrace.contract.slugs import free_slug

Body = Mapping[str, Any]
"""A deployment as JSON values: a request's body, or what the API shows."""

PROJECT_LABEL = "headrace.project"
"""The label by which a project knows its own deployments."""
COMPARED = (
    "description",
    "version",
    "entrypoint",
    "path",
    "pull_steps",
    "work_pool_name",
    "work_queue_name",
    "job_variables",
    "parameters",
    "parameter_openapi_schema",
    "enforce_parameter_schema",
    "tags",
    "schedules",
    "concurrency_limit",
    "concurrency_options",
    "retry_policy",
    "timeout_seconds",
    "paused",
    "labels",
)
"""Members that a plan compares; the others follow from these or from the control plane."""
_SCHEDULE_DEFAULTS: Body = {
    "active": True,
    "max_scheduled_runs": None,
    "parameters": {},
    "jitter": 0,
    "catchup": "latest",
    "max_lateness": None,
    "overlap": "allow",
    "dst": "first",
}

NO_FLOW = UUID(int=0)
"""Stands for the flow's id where it is not known yet: a deployment that is only asked about, or planned."""


@dataclass(frozen=True)
class Wanted:
    """A deployment as the project wants it. A body without `schedules` or `paused` leaves those as they are."""

    flow_name: str
    name: str
    body: Body
    renamed_from: str | None = None

    @property
    def key(self) -> str:
        """`flow-name/deployment-name`."""
        return f"{self.flow_name}/{self.name}"


@dataclass(frozen=True)
class FieldChange:
    """One member that differs, by its dotted path; `before` or `after` is None where it is absent."""

    member: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Create:
    """Make a deployment; one that takes the place of another has that one paused as soon as it is there."""

    key: str
    body: Body
    renamed_from: str | None = None


@dataclass(frozen=True)
class Change:
    """Bring a deployment up to what is wanted."""

    key: str
    body: Body
    changes: tuple[FieldChange, ...]


@dataclass(frozen=True)
class Delete:
    """Remove a deployment; `because` says why. A renamed one is paused first: its schedules go on elsewhere."""

    key: str
    because: str
    is_renamed: bool = False


Action = Create | Change | Delete


def make_plan(
    project: str, wanted: Sequence[Wanted], existing: Mapping[str, Body], *, sync: bool = False
) -> list[Action]:
    """What to do, in order: creations and changes as the project lists them, then deletions.

    `existing` has, by full name, every deployment that might matter: those wanted, their old names, and
    (for `sync`) those that carry the project's label.
    """
    actions: list[Action] = []
    for each in wanted:
        now = existing.get(each.key)
        before = now or existing.get(each.renamed_from or "")
        body = _completed(project, each, before, sync=sync)
        if now is not None and each.body.get("paused") is None:
            del body["paused"]  # not sent: somebody may pause or resume it at this very moment
        if now is None:
            body["schedules"] = _still_paused(body["schedules"], before or {})
            actions.append(Create(each.key, body, each.renamed_from if before else None))
        elif changes := differences(now, body):
            actions.append(Change(each.key, body, changes))
    return [*actions, *_deletions(project, wanted, existing, sync=sync)]


def own_labels(labels: Mapping[str, Any] | None) -> dict[str, Any]:
    """Labels without the one that a project sets by itself."""
    return {name: value for name, value in (labels or {}).items() if name != PROJECT_LABEL}


def _deletions(
    project: str, wanted: Sequence[Wanted], existing: Mapping[str, Body], *, sync: bool
) -> list[Delete]:
    kept = {each.key for each in wanted}
    gone: dict[str, Delete] = {}
    for each in wanted:
        if each.renamed_from in existing and each.renamed_from not in kept:
            old = str(each.renamed_from)
            gone[old] = Delete(old, f"is now {each.key}", is_renamed=True)
    for key, body in sorted(existing.items()) if sync else ():
        if key not in kept and (body.get("labels") or {}).get(PROJECT_LABEL) == project:
            gone.setdefault(key, Delete(key, "left the project's file"))
    return list(gone.values())


def _completed(project: str, wanted: Wanted, before: Body | None, *, sync: bool) -> dict[str, Any]:
    """The whole body: what the project does not say is kept from what there is."""
    old = before or {}
    body = dict(wanted.body)
    body["labels"] = {**(old.get("labels") or {}), **(body.get("labels") or {}), PROJECT_LABEL: project}
    if body.get("paused") is None:
        body["paused"] = bool(old.get("paused", False))
    if body.get("schedules") is None:
        kept = [] if sync else old.get("schedules") or []
        body["schedules"] = [schedule_request(each) for each in kept]
    return body


def _still_paused(schedules: Sequence[Body], before: Body) -> list[Body]:
    """Schedules that do not say whether they are active, as those of the same slug were."""
    old = _by_slug(before.get("schedules") or [])
    active = [old[slug]["active"] if slug in old else True for slug in _slugs(schedules)]
    return [
        each if each.get("active") is not None else {**each, "active": was}
        for each, was in zip(schedules, active, strict=True)
    ]


def schedule_request(schedule: Body) -> dict[str, Any]:
    """A schedule as shown, as one would ask for it."""
    inner = {name: value for name, value in schedule["schedule"].items() if value is not None}
    options = {name: schedule.get(name, default) for name, default in _SCHEDULE_DEFAULTS.items()}
    return {"slug": schedule.get("slug"), "schedule": inner, **options}


def differences(before: Body, after: Body) -> tuple[FieldChange, ...]:
    """What differs, member by member down to the innermost, both sides in one form."""
    old = comparable(before)
    new = comparable({**after, "schedules": _still_paused(after.get("schedules") or [], before)})
    if after.get("paused") is None:
        new["paused"] = old["paused"]
    return tuple(change for member in COMPARED for change in _within(member, old[member], new[member]))


def _within(path: str, old: Any, new: Any) -> Iterator[FieldChange]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in sorted(old.keys() | new.keys()):
            if name in old and name in new:
                yield from _within(f"{path}.{name}", old[name], new[name])
            else:
                yield FieldChange(f"{path}.{name}", old.get(name), new.get(name))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _within(f"{path}.{number}", one, other)
    elif old != new or isinstance(old, bool) is not isinstance(new, bool):
        yield FieldChange(path, old, new)


def comparable(body: Body) -> dict[str, Any]:
    """The compared members, what is left out replaced by what it means."""
    plain = {member: body.get(member) for member in COMPARED}
    for member in ("parameters", "job_variables", "labels", "tags"):
        plain[member] = (
            plain[member] or type(plain[member] or {})() if member != "tags" else list(plain[member] or [])
        )
    plain["work_queue_name"] = plain["work_queue_name"] or ("default" if plain["work_pool_name"] else None)
    plain["enforce_parameter_schema"] = plain["enforce_parameter_schema"] is not False
    plain["paused"] = bool(plain["paused"])
    options = plain["concurrency_options"] or {}
    plain["concurrency_options"] = options.get("collision_strategy") or "ENQUEUE"
    plain["pull_steps"] = plain["pull_steps"] or None
    plain["schedules"] = _by_slug(plain["schedules"] or [])
    return plain


def _by_slug(schedules: Sequence[Body]) -> dict[str, Any]:
    """Schedules by slug, without it."""
    found = dict(zip(_slugs(schedules), map(schedule_request, schedules), strict=True))
    for each in found.values():
        del each["slug"]
        each["active"] = each["active"] is not False
    return found


def _slugs(schedules: Sequence[Body]) -> list[str]:
    """Their slugs; one without gets the one that the control plane will give it."""
    taken = {str(each["slug"]) for each in schedules if each.get("slug")}
    found: list[str] = []
    for each in map(schedule_request, schedules):
        found.append(each["slug"] or free_slug(each["schedule"], taken | {*found}))
    return found
