"""All that one deployment needs, from options or from questions; and the command line that says the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headrace.cli.deploying.flags import SourceKind
from headrace.cli.schedules import exact
from headrace.cli.values import quote, read_for
from headrace.project.plan import own_labels
from headrace.project.sources import BUNDLE, GIT, LOCAL
from headrace.secret import reference_in

if TYPE_CHECKING:
    from headrace.cli.inspection import FlowFacts


@dataclass
class Answers:
    """One deployment to be made."""

    entrypoint: str | None
    name: str
    pool: str
    facts: FlowFacts
    create_pool: bool = False
    times: dict[str, Any] | None = None
    no_schedule: bool = False
    kept: list[dict[str, Any]] | None = None
    """Schedules that it has and keeps, as the project file says them: a sync would else remove them."""
    parameters: dict[str, Any] = field(default_factory=dict)
    source: SourceKind = SourceKind.LOCAL
    git: dict[str, Any] = field(default_factory=dict)
    pull_steps: list[dict[str, Any]] | None = None
    """All pull steps, where a deployment has more than its source alone says."""
    tags: list[str] | None = None
    members: dict[str, Any] = field(default_factory=dict)
    save: bool = False
    check: bool = True

    def schedules(self) -> list[dict[str, Any]] | None:
        """The inner schedules it is to have; None leaves those that it has."""
        if self.no_schedule:
            return []
        return None if self.times is None else [self.times]

    def pull(self) -> list[dict[str, Any]]:
        """The pull steps, still without what only this folder knows."""
        if self.pull_steps is not None:
            return self.pull_steps
        steps = {SourceKind.GIT: GIT, SourceKind.BUNDLE: BUNDLE, SourceKind.LOCAL: LOCAL}
        return [{steps[self.source]: dict(self.git) if self.source is SourceKind.GIT else {}}]

    def command_line(self) -> str:
        """`headrace deploy ...` with an option for each answer."""
        words = ["headrace", "deploy", *([self.entrypoint] if self.entrypoint else self._command_words())]
        words += ["--name", self.name, "--pool", self.pool]
        words += ["--create-pool"] if self.create_pool else []
        words += ["--no-schedule"] if self.no_schedule else _schedule_words(self.times or {})
        words += _parameter_words(self.parameters, self.facts.parameter_openapi_schema)
        words += ["--source", self.source.value, *_git_words(self.git)]
        words += _each("--tag", self.tags or [])
        words += _member_words(self.members, with_command=self.entrypoint is not None)
        words += ["--save"] if self.save else []
        words += [] if self.check else ["--no-check"]
        return " ".join(map(quote, words))

    def without_option(self) -> list[str]:
        """What the deployment keeps and no option of `headrace deploy` says."""
        names = ("retry_policy", "timeout_seconds", "path", "enforce_parameter_schema")
        found = [name for name in names if name in self.members]
        found += ["labels"] if own_labels(self.members.get("labels")) else []
        return found + (["pull_steps"] if self.pull_steps else [])

    def _command_words(self) -> list[str]:
        return ["--command", str(self.members["job_variables"]["command"]), "--flow", self.facts.flow_name]


def _each(option: str, values: Any) -> list[str]:
    return [word for value in values for word in (option, value)]


def _parameter_words(parameters: dict[str, Any], schema: dict[str, Any]) -> list[str]:
    """`--param` for what is read back as it is under this schema, `--params` for the rest."""
    written = {key: _written(value, schema, key) for key, value in parameters.items()}
    plain = {key: text for key, text in written.items() if read_for(schema, key, text) == parameters[key]}
    rest = {key: parameters[key] for key in parameters.keys() - plain.keys()}
    words = ["--params", json.dumps(rest, ensure_ascii=False, sort_keys=True)] if rest else []
    return words + _each("--param", (f"{key}={text}" for key, text in plain.items()))


def _written(value: Any, schema: dict[str, Any] | None = None, key: str = "") -> str:
    """A value as one would type it: text and references plainly, unless they would be read as something else."""
    for text in (value, reference_in(value)):
        if isinstance(text, str) and read_for(schema, key, text) == value:
            return text
    return json.dumps(value, ensure_ascii=False)


def _schedule_words(times: dict[str, Any]) -> list[str]:
    words = []
    for kind in ("cron", "interval", "rrule"):
        if kind in times:
            words += [f"--{kind}", exact(float(times[kind])) if kind == "interval" else times[kind]]
    return words + (["--timezone", times["timezone"]] if times.get("timezone") else [])


def _git_words(git: dict[str, Any]) -> list[str]:
    words = [
        word
        for name in ("repository", "branch", "commit")
        if name in git
        for word in (f"--{name}", git[name])
    ]
    words += ["--track"] if git.get("track") else []
    return words + _each("--credential", credential_words(git.get("credentials", {})))


def credential_words(credentials: Mapping[str, object]) -> list[str]:
    """References to secrets as `--credential` takes them."""
    return ["helper" if place is True else f"{kind}:{place}" for kind, place in credentials.items()]


def _member_words(members: dict[str, Any], *, with_command: bool) -> list[str]:
    words = []
    plain = {"work_queue_name": "--queue", "description": "--description", "version": "--version"}
    for name, option in {**plain, "concurrency_limit": "--concurrency-limit"}.items():
        words += [option, str(members[name])] if name in members else []
    if "concurrency_options" in members:
        words += ["--collision-strategy", members["concurrency_options"]["collision_strategy"]]
    variables = dict(members.get("job_variables", {}))
    if not with_command:
        del variables["command"]
    words += _each("--job-variable", (f"{key}={_written(value)}" for key, value in variables.items()))
    return words + (["--paused"] if members.get("paused") else [])
