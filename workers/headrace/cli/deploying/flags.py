"""The options of `headrace deploy`, as given: every answer that the wizard asks for has one."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from headrace.cli.connect import given
from headrace.cli.errors import BadUsage
from headrace.cli.output import Format
from headrace.cli.schedules import read_schedule, read_times
from headrace.cli.values import merge_parameters, read_job_variables
from headrace.project.facts import INSTEAD, NO_PARAMETERS
from headrace.project.secret_names import LITERAL, literal_secrets


class Strategy(StrEnum):
    """What happens to a run that meets the full limit."""

    ENQUEUE = "ENQUEUE"
    CANCEL_NEW = "CANCEL_NEW"


class SourceKind(StrEnum):
    """Where workers get the code."""

    GIT = "git"
    BUNDLE = "bundle"
    LOCAL = "local"


Concurrency = Annotated[
    int | None,
    typer.Option(
        "--concurrency-limit", help="How many of its runs may go at once.", min=0, max=5000, metavar="N"
    ),
]
CollisionStrategy = Annotated[
    Strategy | None, typer.Option("--collision-strategy", help="What a run does that meets the full limit.")
]
Entrypoint = Annotated[
    str | None,
    typer.Argument(help="path/file.py:function or package.module:function.", show_default=False),
]
Command = Annotated[
    str | None,
    typer.Option("--command", help="Instead of a flow: any program with its arguments.", metavar="COMMAND"),
]
FlowName = Annotated[
    str | None, typer.Option("--flow", help="Name of the flow that a --command is; --name if left out.")
]
Names = Annotated[
    list[str] | None,
    typer.Option("--name", "-n", help="Name of the deployment; without a flow, a pattern for headrace.yaml."),
]
InPool = Annotated[str | None, typer.Option("--pool", "-p", help="Work pool to run it in.")]
CreatePool = Annotated[bool, typer.Option("--create-pool", help="Make that pool if it is not there.")]
Queue = Annotated[str | None, typer.Option("--queue", "-q", "--work-queue", help="Queue of the pool.")]
Description = Annotated[str | None, typer.Option("--description", help="The flow's own if left out.")]
Version = Annotated[str | None, typer.Option("--version", help="The flow's own if left out.")]
NoSchedule = Annotated[
    bool, typer.Option("--no-schedule", help="Remove the schedules that it has; else they stay.")
]
Paused = Annotated[bool, typer.Option("--paused", help="Start no run until it is resumed.")]
Source = Annotated[
    SourceKind | None, typer.Option("--source", help="Where workers get the code; local if left out.")
]
Repository = Annotated[
    str | None,
    typer.Option("--repository", help="Git: its address; this clone's if left out.", metavar="URL"),
]
Branch = Annotated[str | None, typer.Option("--branch", help="Git: the branch; the present one if left out.")]
Commit = Annotated[
    str | None,
    typer.Option("--commit", help="Git: the commit to pin; the branch's if left out.", metavar="SHA"),
]
Track = Annotated[bool, typer.Option("--track", help="Git: follow the branch instead of pinning a commit.")]
Credential = Annotated[
    str | None,
    typer.Option(
        "--credential",
        help="Git: where workers find the secret: env:NAME, ssm:PATH, secretsmanager:ARN or helper.",
        metavar="KIND:PLACE",
    ),
]
Save = Annotated[bool, typer.Option("--save", help="Write it into headrace.yaml as well.")]
NoCheck = Annotated[bool, typer.Option("--no-check", help="Do not load the flow to see whether it works.")]
All = Annotated[bool, typer.Option("--all", help="Deploy everything in headrace.yaml.")]
Plan = Annotated[
    bool, typer.Option("--plan", help="Show what would be done with headrace.yaml, and do nothing.")
]
Sync = Annotated[bool, typer.Option("--sync", help="Like --all; what has left headrace.yaml is deleted.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Delete without asking.")]
ProjectFile = Annotated[
    Path | None, typer.Option("--file", "-f", help="Another project file than headrace.yaml.", metavar="FILE")
]


@dataclass
class Flags:
    """One command line of `headrace deploy`."""

    entrypoint: str | None = None
    command: str | None = None
    flow_name: str | None = None
    names: list[str] = field(default_factory=list)
    pool: str | None = None
    create_pool: bool = False
    params: str | None = None
    param: list[str] = field(default_factory=list)
    tags: list[str] | None = None
    times: dict[str, Any] | None = None
    no_schedule: bool = False
    members: dict[str, Any] = field(default_factory=dict)
    source: SourceKind | None = None
    git: dict[str, Any] = field(default_factory=dict)
    save: bool = False
    check: bool = True
    output: Format = Format.TABLE

    @property
    def name(self) -> str | None:
        """The one name of a deployment."""
        if len(self.names) > 1:
            raise BadUsage("One flow gets one deployment at a time.", "Give --name once.")
        if self.names and any(sign in self.names[0] for sign in "*?["):
            raise BadUsage(
                f"{self.names[0]!r} is a pattern, and a deployment of a flow gets a plain name.",
                "Patterns choose from headrace.yaml: headrace deploy -n 'etl-*', without a flow.",
            )
        return self.names[0] if self.names else None

    @property
    def source_option(self) -> str:
        """The option that says where the code comes from: one of git's says it as well as --source."""
        return _option(self.git) if self.git else "--source"

    def parameters(self, schema: dict[str, Any] | None = None) -> dict[str, Any]:
        """The parameters given; the schema tells which are text."""
        return merge_parameters(self.params, self.param, schema)


def read_flags(options: dict[str, Any]) -> Flags:
    """Read what can be read without the flow, and refuse what contradicts itself."""
    if options["entrypoint"] is not None and options["program"] is not None:
        raise BadUsage(
            "An entrypoint and --command contradict each other: only one of them can run.",
            "Leave one of them out.",
        )
    if options["program"] is not None and (options["param"] or options["params"]):
        raise BadUsage(NO_PARAMETERS, INSTEAD)
    times = read_times(options["cron"], options["interval"], options["rrule"], options["timezone"])
    if times is not None:
        read_schedule(times)
        if options["no_schedule"]:
            raise BadUsage("--no-schedule contradicts the schedule that is given.", "Give one of them.")
    flags = Flags(
        entrypoint=options["entrypoint"],
        command=options["program"],
        flow_name=_flow_name(options),
        names=options["name"] or [],
        pool=options["pool"],
        create_pool=options["create_pool"],
        params=options["params"],
        param=options["param"] or [],
        tags=options["tag"],
        times=times,
        no_schedule=options["no_schedule"],
        members=given(
            work_queue_name=options["queue"],
            description=options["description"],
            version=options["version"],
            paused=options["paused"] or None,
            job_variables=_job_variables(options["job_variable"] or [], options["program"]),
            **_concurrency(options["concurrency_limit"], options["collision_strategy"]),
        ),
        git=_git(options),
        save=options["save"],
        check=not options["no_check"],
        output=options["output"],
    )
    flags.source = _source(options["source"], flags.git)
    flags.parameters()
    return flags


def _flow_name(options: dict[str, Any]) -> str | None:
    if options["flow"] is not None and (options["program"] is None or options["entrypoint"]):
        raise BadUsage("--flow names the flow of a --command; a function's flow has a name.", "Leave it out.")
    return None if options["flow"] is None else str(options["flow"])


def _job_variables(pairs: list[str], command: str | None) -> dict[str, Any] | None:
    """The job variables given; the command is one of them."""
    from headrace.project.plain_secrets import HOW

    given_ = read_job_variables(pairs)
    if literal := [".".join(map(str, place)) for place in literal_secrets(given_, ())]:
        raise BadUsage(f"job_variables.{literal[0]} {LITERAL}.", HOW)
    if command is None:
        return given_ or None
    if "command" in given_ or not command.strip():
        raise BadUsage("The command is given twice, or is empty.", "Write it like --command 'sh run.sh'.")
    try:
        shlex.split(command)
    except ValueError as error:
        raise BadUsage(f"The command cannot be split into words: {error}.", "Close what it quotes.") from None
    return {**given_, "command": command}


def _concurrency(limit: int | None, strategy: Strategy | None) -> dict[str, Any]:
    """The members for a limit on the deployment's runs."""
    if strategy is not None and limit is None:
        raise BadUsage("--collision-strategy says nothing without a limit.", "Give --concurrency-limit too.")
    options = None if strategy is None else {"collision_strategy": strategy.value}
    return given(concurrency_limit=limit, concurrency_options=options)


def _git(options: dict[str, Any]) -> dict[str, Any]:
    if options["track"] and options["commit"]:
        raise BadUsage("--track and --commit contradict each other.", "Give one of them.")
    return given(
        repository=options["repository"],
        branch=options["branch"],
        commit=options["commit"],
        track="branch" if options["track"] else None,
        credentials=read_credential(options["credential"]) if options["credential"] else None,
    )


def _source(kind: SourceKind | None, git: dict[str, Any]) -> SourceKind | None:
    if kind not in (None, SourceKind.GIT) and git:
        raise BadUsage(f"{_option(git)} belongs to --source git, not to {kind}.", "Leave one of them out.")
    return SourceKind.GIT if git else kind


def _option(git: dict[str, Any]) -> str:
    """The first option that gave a member of the git step."""
    return f"--{next(iter(git))}".replace("credentials", "credential")


def read_credential(text: str) -> dict[str, str | bool]:
    """A reference to a secret; never the secret itself."""
    if text.strip() == "helper":
        return {"credential_helper": True}
    kind, colon, place = text.partition(":")
    if not (colon and place.strip()) or kind not in ("env", "ssm", "secretsmanager"):
        raise BadUsage(
            "--credential says where a worker finds the secret, never the secret itself.",
            "Write it like env:GIT_TOKEN, ssm:/team/git-token or secretsmanager:ARN, or helper for git's own helpers.",
        )
    return {kind: place.strip()}
