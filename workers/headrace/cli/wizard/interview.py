"""Asks for all that the options leave open, then makes the deployment."""

from __future__ import annotations

from pathlib import Path

from headrace.cli.connect import connect
from headrace.cli.deploying.answers import Answers
from headrace.cli.deploying.facts import facts_of_command
from headrace.cli.deploying.flags import Flags, SourceKind
from headrace.cli.deploying.single import finish
from headrace.cli.output import note
from headrace.cli.wizard import flow, parameters, pool, schedule, source
from headrace.cli.wizard.ask import confirm, text
from headrace.project.git import read_checkout


def interview(flags: Flags) -> None:
    """Ask, make, tell. Ctrl-C before the last answer makes nothing."""
    try:
        answers = _ask(flags, Path.cwd())
    except KeyboardInterrupt:
        note("Stopped: nothing was made.")
        raise
    same = f"The same, without questions:\n  {answers.command_line()}"
    finish(answers, flags.output, same)


def _ask(flags: Flags, folder: Path) -> Answers:
    with connect() as api:
        api.system.health()
        entrypoint = flags.entrypoint or (None if flags.command else flow.ask_entrypoint(folder))
        known = flow.ask_facts(entrypoint, folder, check=flags.check) if entrypoint else None
        name = flags.name or flow.ask_name()
        facts, check = known or (facts_of_command(flags.flow_name or name), flags.check)
        times = flags.times if flags.times is not None else schedule.ask_schedule(api)
        chosen, create = (flags.pool, flags.create_pool) if flags.pool else pool.ask_pool(api)
    answers = Answers(entrypoint, name, chosen, facts, create, times, members=flags.members, check=check)
    schema = facts.parameter_openapi_schema
    answers.parameters = parameters.ask_parameters(schema, flags.parameters(schema))
    answers.source, answers.git = _source(flags, folder)
    answers.tags = flags.tags if flags.tags is not None else _tags()
    answers.save = flags.save or confirm("Write it into headrace.yaml as well?", default=False)
    return answers


def _source(flags: Flags, folder: Path) -> tuple[SourceKind, dict[str, object]]:
    if flags.source is not None:
        return flags.source, flags.git
    return source.ask_source(read_checkout(folder))


def _tags() -> list[str] | None:
    line = text("Tags, with commas between them (may be empty):")
    return [tag.strip() for tag in line.split(",") if tag.strip()] or None
