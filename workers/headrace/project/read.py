"""Reads a `headrace.yaml`: YAML, then templates, then the model, and every mistake with its line."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from headrace.contract.errors import wording
from headrace.project import FILE
from headrace.project.errors import FileProblems, Place, Problem, ProjectError
from headrace.project.git import read_checkout
from headrace.project.model import DeploymentEntry, Project, ScheduleEntry, Shared, WorkPoolEntry
from headrace.project.templates import Values, fill_all
from headrace.project.yamlfile import YamlFile, read_yaml

_IN_FILE = {
    "timeout_seconds": ("timeout",),
    "pull_steps": ("pull",),
    "job_variables": ("work_pool", "job_variables"),
    "work_queue_name": ("work_pool", "work_queue_name"),
    "work_pool_name": ("work_pool", "name"),
}
"""What the file calls members of a deployment that the API calls otherwise."""
_IN_WORDS = {
    "model_type": "must have members below it, as names and values",
    "dict_type": "must have members below it, as names and values",
    "list_type": "must be a list: each member after a dash, or all in [brackets]",
}
_MODELS: tuple[type[BaseModel], ...] = (Project, Shared, DeploymentEntry, ScheduleEntry, WorkPoolEntry)
_MERGED = ("parameters", "labels", "work_pool")


@dataclass(frozen=True)
class Read:
    """A project, and where its deployments stand in its file: `numbers` has their places."""

    project: Project
    file: YamlFile
    numbers: tuple[int, ...]

    def problem(self, which: int, place: Place, message: str) -> Problem:
        """Something wrong at a member of one of its deployments; the line may be one of `defaults`."""
        own: Place = ("deployments", self.numbers[which])
        place = (*_IN_FILE.get(str(place[0]), (place[0],)), *place[1:]) if place else place
        found = max(((), own, ("defaults",)), key=lambda base: self._depth(base, place))
        if self._depth(found, place) == 0:
            found = own
        name = self.project.deployments[which].name
        told = message if found == () else f"{name!r}: {message}"
        return Problem(self.file.line((*found, *place)), ".".join(map(str, (*found, *place))), told)

    def _depth(self, base: Place, place: Place) -> int:
        """How many members of a place the file has below a base; the deployment's own stand before others."""
        if not base and place[:1] not in (("pull",), ("build",), ("push",)):
            return 0
        count = sum((*base, *place[:end]) in self.file.lines for end in range(1, len(place) + 1))
        return 2 * count + (base[:1] == ("deployments",) and count > 0)


def read_file(
    path: Path,
    patterns: Sequence[str] | None = None,
    environment: Mapping[str, str] | None = None,
    variables: Callable[[str], object] | None = None,
) -> Read:
    """The project of a file, defaults merged in; of its deployments those that match one of the patterns.

    `variables` gives the value of a variable, or raises `KeyError`; it is asked only for those that are named.

    Raises:
        ProjectError: Something in it is wrong, or a pattern matches nothing.
    """
    if not path.exists():
        raise ProjectError(
            f"There is no {path}.", "Make one to begin with: headrace init   (or name another: --file)"
        )
    file = read_yaml(path)
    values = Values(os.environ if environment is None else environment, lambda: _git(path.parent), variables)
    chosen = _chosen(file.data, patterns)
    data, problems = fill_all(file, values, lambda place: _matters(place, chosen))
    if problems:
        raise FileProblems(file.name, problems)
    project = _validated(file, data)
    _refuse_doubles(file, project)
    numbers = tuple(range(len(project.deployments)) if chosen is None else sorted(chosen))
    kept = [project.deployments[number] for number in numbers]
    return Read(project.model_copy(update={"deployments": kept}), file, numbers)


def _git(folder: Path) -> Mapping[str, str | None]:
    checkout = read_checkout(folder)
    return {"commit": checkout.commit, "branch": checkout.branch} if checkout else {}


def _chosen(data: Mapping[str, Any], patterns: Sequence[str] | None) -> set[int] | None:
    """Places of the deployments that are wanted; None for all."""
    if patterns is None:
        return None
    entries = data.get("deployments")
    names = [_names(entry) for entry in entries] if isinstance(entries, list) else []
    found: set[int] = set()
    for pattern in patterns:
        whole = "/" in pattern  # a `*` stands for slashes, too: it shall not reach into the flow's name
        matches = {n for n, own in enumerate(names) if own and fnmatchcase(own[whole], pattern)}
        if not matches:
            known = ", ".join(own[0] for own in names if own) or "none"
            raise ProjectError(f"No deployment of {FILE} matches {pattern!r}.", f"It has: {known}.")
        found |= matches
    return found


def _names(entry: object) -> list[str]:
    if not isinstance(entry, dict) or not entry.get("name"):
        return []
    name = str(entry["name"])
    return [name, f"{_flow_name(entry)}/{name}"]


def _flow_name(entry: dict[Any, Any]) -> str:
    """The flow's name, as far as the file tells: what it says, else the function's, or a command's own."""
    function = str(entry.get("entrypoint") or "").rpartition(":")[2].replace("_", "-")
    return str(entry.get("flow_name") or function or entry["name"])


def _matters(place: Place, chosen: set[int] | None) -> bool:
    if chosen is None or len(place) < 2 or place[0] != "deployments":
        return True
    return place[1] in chosen


def _validated(file: YamlFile, data: Any) -> Project:
    """Each entry is looked at as it stands in the file, so that mistakes keep their place; then merged."""
    try:
        Project.model_validate(data)
        return Project.model_validate(_with_defaults(data))
    except ValidationError as error:
        problems = [_problem(file, dict(each)) for each in error.errors(include_url=False)]
        raise FileProblems(file.name, problems) from None


def _with_defaults(data: dict[str, Any]) -> dict[str, Any]:
    """Members of a deployment stand over the defaults; parameters, labels, work pool and `env` are merged."""
    defaults = dict(data.get("defaults") or {})
    for kind in ("build", "push", "pull"):
        if data.get(kind) is not None:
            defaults.setdefault(kind, data[kind])
    return {**data, "deployments": [merged(defaults, entry) for entry in data.get("deployments") or []]}


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """One entry over the defaults."""
    result = {**base, **over}
    for name in _MERGED:
        if isinstance(base.get(name), dict) and isinstance(over.get(name), dict):
            result[name] = {**base[name], **over[name]}
            inner = [part[name].get("job_variables") for part in (base, over)]
            if name == "work_pool" and all(isinstance(part, dict) for part in inner):
                variables = result[name]["job_variables"] = {**inner[0], **inner[1]}
                env = [part.get("env") for part in inner]
                if all(isinstance(part, dict) for part in env):
                    variables["env"] = {**env[0], **env[1]}
    return result


def _problem(file: YamlFile, error: dict[str, Any]) -> Problem:
    place: Place = tuple(error["loc"])
    known = place
    while known and known not in file.lines:
        known = known[:-1]
    if error["type"] == "missing":
        return file.problem(known, f"lacks {place[-1]!r}")
    if error["type"] == "extra_forbidden":
        return file.problem(known, f"is no key here{_suggestion(str(place[-1]))}")
    message = wording(error)
    value = error.get("input")
    got = f" (got {value!r})" if isinstance(value, str | int | float | bool) and len(str(value)) < 60 else ""
    if error["type"] == "string_type" and got:
        message = "must be text: put it in quotes"
    message = _in_words(error, place) or message
    return file.problem(known, f"{message[:1].lower()}{message[1:]}{got}")


def _in_words(error: Mapping[str, Any], place: Place) -> str | None:
    kind, value, member = error["type"], error.get("input"), str(place[-1]) if place else ""
    if member == "work_pool" and isinstance(value, str):
        return f"write {{name: {value}}}"
    return _IN_WORDS.get(kind)


def _suggestion(name: str) -> str:
    known = {field for model in _MODELS for field in model.model_fields}
    near = get_close_matches(name, known, 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _refuse_doubles(file: YamlFile, project: Project) -> None:
    seen: dict[tuple[str, str], int] = {}
    problems = []
    for number, entry in enumerate(project.deployments):
        key = (entry.entrypoint or entry.flow_name or entry.name, entry.name)
        if key in seen:
            place: Place = ("deployments", number, "name")
            first = file.line(("deployments", seen[key], "name"))
            problems.append(file.problem(place, f"{entry.name!r} of {key[0]} is in line {first} already"))
        seen[key] = number
    if problems:
        raise FileProblems(file.name, problems)
