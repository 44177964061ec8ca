"""Asks for all that the options leave open, then makes the deployment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.cli.connect import connect
from headrace.cli.deploying.answers import Answers
from headrace.cli.deploying.facts import facts_of_command
from headrace.cli.deploying.flags import Flags, SourceKind
from headrace.cli.deploying.single import finish
from headrace.cli.output import note
from headrace.cli.wizard import flow, parameters, pool, saving, schedule, source
from headrace.cli.wizard.ask import text
from headrace.cli.wizard.fitting import misfit
from headrace.project.git import read_checkout

if TYPE_CHECKING:
    from headrace.contract.deployments import Deployment

NO_TAGS = "-"
KEPT = {"concurrency_limit", "job_variables", "labels"}
OF_FLOW = {"description", "version", "retry_policy", "timeout_seconds"}
"""What is kept where the flow does not say it."""


def interview(flags: Flags) -> None:
    """Ask, make, tell. Ctrl-C before the last answer makes nothing."""
    try:
        answers = _ask(flags, Path.cwd())
    except KeyboardInterrupt:
        note("Stopped: nothing was made.")
        raise
    beside = ", ".join(answers.without_option())
    more = f" (these have no option, and are kept by headrace.yaml alone: {beside})" if beside else ""
    same = f"The same, without questions{more}:\n  {answers.command_line()}"
    with _not_typed_in_vain(same):
        finish(answers, flags.output, same)


@contextmanager
def _not_typed_in_vain(same: str) -> Iterator[None]:
    """What was answered is said once more if it is refused, so that only the wrong part is typed again."""
    try:
        yield
    except Exception:
        note(same)
        raise


def _ask(flags: Flags, folder: Path) -> Answers:
    save = saving.Saving(folder, wanted=flags.save)
    with connect() as api:
        api.system.health()
        entrypoint = flags.entrypoint or (None if flags.command else flow.ask_entrypoint(folder))
        known = flow.ask_facts(entrypoint, folder, check=flags.check) if entrypoint else None
        name = flags.name or flow.ask_name()
        facts, check = known or (facts_of_command(flags.flow_name or name), flags.check)
        before = flow.find_existing(api, f"{facts.flow_name}/{name}")
        times = schedule.Wanted(flags.times, flags.no_schedule)
        if times == schedule.Wanted():
            times = schedule.ask_schedule(api, before.schedules if before else ())
        present = before.work_pool_name if before else None
        chosen, create = (flags.pool, flags.create_pool) if flags.pool else pool.ask_pool(api, present)
        answers = Answers(entrypoint, name, chosen, facts, create, times.times, check=check)
        answers.no_schedule = times.none
        answers.kept = schedule.entries(before.schedules) if before else None
        answers.members = _members(before, answers, flags.members)
        schema = facts.parameter_openapi_schema
        has = before.parameters if before and entrypoint else {}
        answers.parameters = parameters.ask_parameters(
            schema, flags.parameters(schema), has, partial(misfit, api)
        )
        answers.source, answers.git = _source(flags, folder, before)
        if before and flags.source is None:
            answers.pull_steps = source.kept_steps(before.pull_steps or [], answers.source, answers.git)
        answers.tags = flags.tags if flags.tags is not None else _tags(before)
        answers.save = save.ask()
    return answers


def _members(before: Deployment | None, answers: Answers, given: dict[str, Any]) -> dict[str, Any]:
    """What nobody is asked for: what is given, what the flow says of itself, and the rest as the deployment has it."""
    if before is None:
        return given
    of_flow = {name for name, value in answers.facts.members().items() if value is not None}
    kept = before.model_dump(mode="json", include=KEPT | (OF_FLOW - of_flow))
    if before.path and before.entrypoint == answers.entrypoint:
        kept["path"] = before.path
    if not before.enforce_parameter_schema:
        kept["enforce_parameter_schema"] = False
    if before.concurrency_limit is not None and before.concurrency_options is not None:
        kept["concurrency_options"] = before.concurrency_options.model_dump(mode="json", exclude_none=True)
    if before.work_pool_name == answers.pool and before.work_queue_name != "default":
        kept["work_queue_name"] = before.work_queue_name
    if answers.entrypoint is not None:
        kept["job_variables"].pop("command", None)
    kept["job_variables"] |= given.get("job_variables", {})
    return {name: value for name, value in kept.items() if value not in (None, {})} | {
        name: value for name, value in given.items() if name != "job_variables"
    }


def _source(flags: Flags, folder: Path, before: Deployment | None) -> tuple[SourceKind, dict[str, object]]:
    if flags.source is not None:
        return flags.source, flags.git
    return source.ask_source(read_checkout(folder), (before.pull_steps or []) if before else [])


def _tags(before: Deployment | None) -> list[str] | None:
    present = ", ".join(before.tags) if before else ""
    empty = f"{NO_TAGS} for none" if present else "may be empty"
    line = text(f"Tags, with commas between them ({empty}):", present)
    return None if line == NO_TAGS else [tag.strip() for tag in line.split(",") if tag.strip()] or None
