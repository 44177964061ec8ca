"""Deploys one flow and says what there is now, and the commands that come next."""

from __future__ import annotations

from pathlib import Path
from socket import gethostname
from typing import TYPE_CHECKING
from uuid import UUID

from headrace.cli.connect import checked, connect, given
from headrace.cli.deploying.answers import Answers
from headrace.cli.deploying.facts import facts_of, facts_of_command
from headrace.cli.deploying.flags import Flags, SourceKind
from headrace.cli.lookup import full_name, quoted_name
from headrace.cli.output import Format, note, report
from headrace.cli.schedules import describe, read_schedule
from headrace.cli.values import quote
from headrace.contract.pull_steps import local_folder
from headrace.project.sources import Sources

if TYPE_CHECKING:
    from headrace.cli.deploying.sending import Made
    from headrace.cli.inspection import FlowFacts


def deploy(flags: Flags) -> None:
    """Deploy what the options say, without a question."""
    answers = Answers(
        entrypoint=flags.entrypoint,
        name=str(flags.name),
        pool=str(flags.pool),
        facts=_facts(flags),
        create_pool=flags.create_pool,
        times=flags.times,
        no_schedule=flags.no_schedule,
        source=flags.source or SourceKind.LOCAL,
        git=flags.git,
        tags=flags.tags,
        members=flags.members,
        save=flags.save,
        check=flags.check,
    )
    answers.parameters = flags.parameters(answers.facts.parameter_openapi_schema)
    finish(answers, flags.output)


def _facts(flags: Flags) -> FlowFacts:
    """Check all that can be checked without the flow, then look at the flow."""
    from headrace.contract.deployments import DeploymentCreate

    members = given(tags=flags.tags, schedules=None if flags.times is None else [read_schedule(flags.times)])
    members |= given(name=flags.name, work_pool_name=flags.pool, entrypoint=flags.entrypoint)
    checked(DeploymentCreate, **members, **flags.members, flow_id=UUID(int=0))
    if flags.entrypoint is None:
        return facts_of_command(flags.flow_name or str(flags.name))
    return facts_of(flags.entrypoint, Path.cwd(), check=flags.check)


def finish(answers: Answers, output: Format, *more: str) -> None:
    """Send it, save it if wished, and tell."""
    from headrace.cli.deploying.saving import project_name, saved
    from headrace.cli.deploying.sending import look_for_workers, send
    from headrace.project import FILE

    folder = Path.cwd()
    project = project_name(folder / FILE) if answers.save else None
    with connect() as api:
        with saved(answers, folder), Sources(folder).kept() as sources:
            made = send(api, answers, sources, project)
        # From here on it is made: whatever fails now must not put the project file back.
        look_for_workers(api, made)
    for remark in made.remarks:
        note(f"Warning: {remark}")
    told = [f"Saved in {FILE}."] if answers.save else []
    report(output, made.deployment, *_lines(made, answers), *told, *more)


def _done(made: Made) -> str:
    """What became of it, and which version that is."""
    before, after = made.before, made.deployment
    name, number = full_name(after), after.latest_version_number
    if before is None:
        return f"Created deployment {name!r}, version {number}, id {after.id}."
    if before.latest_version_number == number:
        if before.revision == after.revision:
            return f"Nothing changed: deployment {name!r} is still version {number}, id {after.id}."
        return f"Updated deployment {name!r}, still version {number}, id {after.id}."
    if after.pinned:
        return (
            f"Made version {number} of deployment {name!r}, id {after.id}. It is pinned at version "
            f"{after.version_number}, which stays in force until: headrace deployment unpin {quoted_name(after)}"
        )
    return f"Updated deployment {name!r}, version {number}, id {after.id}."


def _lines(made: Made, answers: Answers) -> list[str]:
    deployment = made.deployment
    queue = deployment.work_queue_name or "default"
    what = deployment.entrypoint or f"`{deployment.job_variables.get('command')}`"
    folder = local_folder(deployment.pull_steps) or Path.cwd()
    where = {
        SourceKind.LOCAL: f"from the folder {folder} on this machine ({gethostname()})",
        SourceKind.BUNDLE: "from the uploaded bundle",
    }.get(answers.source, "from git")
    return [
        _done(made),
        *([f"Made work pool {deployment.work_pool_name!r} for it."] if made.made_pool else []),
        f"It runs {what} {where}, by queue {queue!r} of pool {deployment.work_pool_name!r}.",
        *(f"Schedule {schedule.slug!r}: {describe(schedule)}." for schedule in deployment.schedules),
        f"Look at it:      headrace deployment inspect {quoted_name(deployment)}   ({made.address})",
        _who_runs_it(made),
        f"Start a run:     headrace deployment run {quoted_name(deployment)} --watch",
    ]


def _who_runs_it(made: Made) -> str:
    if not made.workers:
        return f"Start a worker:  headrace worker start --pool {quote(str(made.deployment.work_pool_name))}"
    first, *others = made.workers
    more = f" and {len(others)} more" if others else ""
    return f"Its worker:      {first}{more} {'serve' if others else 'serves'} the pool now"
