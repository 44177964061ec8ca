"""What `headrace.yaml` asks for, once all of it is known to be right: every mistake is told with its line, at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.cli.connect import connect
from headrace.cli.deploying.facts import facts_of, facts_of_command, unseen
from headrace.cli.errors import CliError
from headrace.project.errors import FileProblems, Problem, ProjectError
from headrace.project.plan import NO_FLOW, Wanted

if TYPE_CHECKING:
    from headrace.cli.inspection import FlowFacts
    from headrace.client.api import Api
    from headrace.contract.deployments import Refusal
    from headrace.project.model import DeploymentEntry
    from headrace.project.read import Read
    from headrace.project.sources import Sources

MOST_BYTES = 3_000_000
"""Of deployments that are asked about at once: half of what the API takes."""
NO_SUCH_ROUTE = (404, 405)
"""A control plane of an older release does not answer: it judges when a deployment is made."""


def wanted_of_all(found: Read, folder: Path, sources: Sources, *, check: bool) -> list[Wanted]:
    """The deployments of the file; nothing is made.

    Raises:
        FileProblems: Something is wrong with some of them, here or for the control plane.
    """
    from headrace.project.desired import wanted_of

    problems: list[Problem] = []
    hints: list[str] = []
    wanted: dict[int, Wanted] = {}
    not_seen: set[int] = set()
    flows = _Flows(folder, check=check)
    for which, entry in enumerate(found.project.deployments):
        try:
            facts = flows.facts(entry)
        except CliError as error:
            problems.append(found.problem(which, ("entrypoint",), error.message))
            hints += [error.hint] if error.hint else []
            facts = unseen(entry.flow_name or entry.name)  # so that the rest is looked at, too
            not_seen.add(which)
        try:
            wanted[which] = wanted_of(entry, facts.flow_name, facts.members(), sources)
        except ProjectError as error:
            told = error.mistakes or [((), error.message)]
            problems += [found.problem(which, place, message) for place, message in told]
            hints += [error.hint] if error.hint else []
    problems += _doubled(found, {which: one for which, one in wanted.items() if which not in not_seen})
    try:
        with connect() as api:
            problems += _refused(api, found, wanted, hints)
    except CliError:
        if not problems:
            raise
    if problems:
        raise FileProblems(found.file.name, problems, "\n".join(dict.fromkeys(hints)) or None)
    return list(wanted.values())


class _Flows:
    """Each flow is loaded once, however many deployments it has, and also if it cannot be loaded."""

    def __init__(self, folder: Path, *, check: bool) -> None:
        self._folder = folder
        self._check = check
        self._known: dict[tuple[str, str | None], FlowFacts | CliError] = {}

    def facts(self, entry: DeploymentEntry) -> FlowFacts:
        """What an entry's flow says of itself. Raises `CliError`."""
        if entry.entrypoint is None:
            return facts_of_command(entry.flow_name or entry.name)
        key = (entry.entrypoint, entry.path)
        if key not in self._known:
            try:
                # A worker goes to `path` before it loads the flow.
                place = self._folder / (entry.path or "")
                self._known[key] = facts_of(entry.entrypoint, place, check=self._check)
            except CliError as error:
                self._known[key] = error
        facts = self._known[key]
        if isinstance(facts, CliError):
            raise facts
        return facts


def _doubled(found: Read, wanted: dict[int, Wanted]) -> Iterator[Problem]:
    keys = [one.key for one in wanted.values()]
    for which, one in wanted.items():
        if keys.count(one.key) > 1:
            yield found.problem(which, ("name",), f"two deployments would be named {one.key}: rename one")


def _refused(api: Api, found: Read, wanted: dict[int, Wanted], hints: list[str]) -> Iterator[Problem]:
    """What the control plane would refuse: it is asked once for many, and makes nothing."""
    for group in _groups(wanted):
        for refusal in judged(api, [body for _, body in group]):
            which = group[refusal.number][0]
            if not refusal.errors:
                place = "work_queue_name" if wanted[which].body.get("work_queue_name") else "work_pool_name"
                yield found.problem(which, (place,), refusal.message)
            if refusal.hint and not refusal.hint.startswith("Expected "):  # which is told with each member
                hints.append(refusal.hint)
            for error in refusal.errors:
                expected = f"; expected {error.expected}" if error.expected else ""
                yield found.problem(which, _place(error.path), f"{error.message}{expected}")


def _groups(wanted: dict[int, Wanted]) -> Iterator[list[tuple[int, Any]]]:
    from headrace.contract.deployments import MOST_CHECKED, DeploymentCreate

    group: list[tuple[int, Any]] = []
    size = 0
    for which, one in wanted.items():
        body = DeploymentCreate(**{**one.body, "name": one.name, "flow_id": NO_FLOW})
        length = len(body.model_dump_json())
        if group and (size + length > MOST_BYTES or len(group) == MOST_CHECKED):
            yield group
            group, size = [], 0
        group.append((which, body))
        size += length
    if group:
        yield group


def judged(api: Api, bodies: list[Any]) -> Sequence[Refusal]:
    """Why the control plane would refuse deployments; one of before this question is passed over."""
    from headrace.client.errors import ApiError
    from headrace.contract.deployments import DeploymentCheck

    try:
        return api.deployments.check(DeploymentCheck(deployments=bodies))
    except ApiError as error:
        if error.status in NO_SUCH_ROUTE:
            return []
        raise


def _place(path: str) -> tuple[str | int, ...]:
    """Where the file has what the API names: a schedule's times stand beside its options there."""
    parts: list[str | int] = [int(part) if part.isdigit() else part for part in path.split(".")]
    if parts[0] == "schedules" and parts[2:3] == ["schedule"]:
        del parts[2]
    if parts[0] == "pull_steps":
        del parts[1:]  # steps may have been added before it
    return tuple(parts)
