"""`headrace deploy`: says where, when and how a flow of this folder runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headrace.cli.deploying.flags import (
    All,
    Branch,
    CollisionStrategy,
    Command,
    Commit,
    Concurrency,
    CreatePool,
    Credential,
    Description,
    Entrypoint,
    Flags,
    FlowName,
    InPool,
    Names,
    NoCheck,
    NoSchedule,
    Paused,
    Plan,
    ProjectFile,
    Queue,
    Repository,
    Save,
    Source,
    Sync,
    Track,
    Version,
    Yes,
    read_flags,
)
from headrace.cli.deploying.project_errors import translated
from headrace.cli.errors import BadUsage
from headrace.cli.options import JobVariable, Output, Param, Params, Tag
from headrace.cli.output import Format
from headrace.cli.schedules import Cron, Interval, RRule, TimeZone
from headrace.project import FILE


def command(
    entrypoint: Entrypoint = None,
    *,
    program: Command = None,
    flow: FlowName = None,
    name: Names = None,
    pool: InPool = None,
    create_pool: CreatePool = False,
    queue: Queue = None,
    param: Param = None,
    params: Params = None,
    tag: Tag = None,
    description: Description = None,
    version: Version = None,
    concurrency_limit: Concurrency = None,
    collision_strategy: CollisionStrategy = None,
    cron: Cron = None,
    interval: Interval = None,
    rrule: RRule = None,
    timezone: TimeZone = None,
    no_schedule: NoSchedule = False,
    job_variable: JobVariable = None,
    paused: Paused = False,
    source: Source = None,
    repository: Repository = None,
    branch: Branch = None,
    commit: Commit = None,
    track: Track = False,
    credential: Credential = None,
    save: Save = False,
    no_check: NoCheck = False,
    all_: All = False,
    plan: Plan = False,
    sync: Sync = False,
    yes: Yes = False,
    file: ProjectFile = None,
    output: Output = Format.TABLE,
) -> None:
    """Deploy a flow: say where, when and how it runs. Doing it again brings the deployment up to date.

    On a terminal, what is missing is asked for; without a flow, those of this folder are offered.
    With --all, or names alone, the deployments of headrace.yaml are made.
    """
    options = dict(locals())
    flags = read_flags(options)
    with translated():
        if all_ or plan or sync or file or _names_alone(flags):
            _batch(flags, options)
        else:
            _single(flags)


def _names_alone(flags: Flags) -> bool:
    return flags.entrypoint is None and flags.command is None and bool(flags.names) and Path(FILE).is_file()


def _batch(flags: Flags, options: dict[str, Any]) -> None:
    """Everything else about these deployments stands in the file."""
    from headrace.cli.deploying import batch

    for name, given in {
        "an entrypoint": flags.entrypoint,
        "--command": flags.command,
        "--pool": flags.pool,
        "--param": flags.param or flags.params,
        "--tag": flags.tags,
        "a schedule": flags.times or flags.no_schedule,
        flags.source_option: flags.source,
        "--save": flags.save,
        "other options of one deployment": flags.members,
    }.items():
        if given:
            raise BadUsage(
                f"headrace.yaml and {name} contradict each other.", "Change the file, or name a flow alone."
            )
    if flags.names and (options["all_"] or options["sync"]):
        option = "--all" if options["all_"] else "--sync"
        raise BadUsage(f"{option} and --name contradict each other.", "Give one of them.")
    batch.deploy(
        batch.Wish(
            file=options["file"] or Path(FILE),
            patterns=flags.names or None,
            only_plan=options["plan"],
            sync=options["sync"],
            yes=options["yes"],
            check=flags.check,
            output=flags.output,
        )
    )


def _single(flags: Flags) -> None:
    from headrace.cli.deploying import single
    from headrace.cli.deploying.terminal import is_interactive

    missing = [
        option
        for option, value in (
            ("ENTRYPOINT", flags.entrypoint or flags.command),
            ("--name", flags.name),
            ("--pool", flags.pool),
        )
        if value is None
    ]
    if not missing:
        single.deploy(flags)
    elif is_interactive() and flags.output is Format.TABLE:
        from headrace.cli.wizard.interview import interview

        interview(flags)
    else:
        raise _unasked(missing)


def _unasked(missing: list[str]) -> BadUsage:
    hint = "Write it like: headrace deploy FILE.py:FLOW --name NAME --pool POOL"
    if "ENTRYPOINT" in missing and Path(FILE).is_file():
        hint += "   (or everything in headrace.yaml: headrace deploy --all)"
    return BadUsage(f"Missing {' and '.join(missing)}, and no terminal to ask at.", hint)
