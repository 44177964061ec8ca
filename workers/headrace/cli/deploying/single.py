"""Deploys one flow and says what there is now, and the commands that come next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from headrace.cli.connect import checked, given
from headrace.cli.deploying.answers import Answers
from headrace.cli.deploying.facts import facts_of
from headrace.cli.deploying.flags import Flags, SourceKind
from headrace.cli.lookup import full_name, quoted_name
from headrace.cli.output import Format, note, report
from headrace.cli.schedules import describe, read_schedule
from headrace.cli.values import quote
from headrace.project.sources import Sources

if TYPE_CHECKING:
    from headrace.cli.deploying.sending import Made
    from headrace.cli.inspection import FlowFacts


def deploy(flags: Flags) -> None:
    """Deploy what the options say, without a question."""
    answers = Answers(
        entrypoint=str(flags.entrypoint),
        name=str(flags.name),
        pool=str(flags.pool),
        facts=_facts(flags),
        create_pool=flags.create_pool,
        times=flags.times,
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
    members |= {
        "name": flags.name,
        "work_pool_name": flags.pool,
        "entrypoint": flags.entrypoint,
        **flags.members,
    }
    checked(DeploymentCreate, **members, flow_id=UUID(int=0))
    return facts_of(str(flags.entrypoint), Path.cwd(), check=flags.check)


def finish(answers: Answers, output: Format, *more: str) -> None:
    """Send it, save it if wished, and tell."""
    from headrace.cli.deploying.saving import project_name, saved
    from headrace.cli.deploying.sending import send
    from headrace.project.read import FILE

    folder = Path.cwd()
    project = project_name(folder / FILE) if answers.save else None
    with saved(answers, folder), Sources(folder).kept() as sources:
        made = send(answers, sources, project)
    for remark in made.remarks:
        note(f"Warning: {remark}")
    told = [f"Saved in {FILE}."] if answers.save else []
    report(output, made.deployment, *_lines(made, answers), *told, *more)


def _lines(made: Made, answers: Answers) -> list[str]:
    deployment = made.deployment
    done = "Created" if made.created else "Updated"
    queue = deployment.work_queue_name or "default"
    where = {SourceKind.LOCAL: " here", SourceKind.BUNDLE: " from the uploaded bundle"}.get(
        answers.source, " from git"
    )
    return [
        f"{done} deployment {full_name(deployment)!r}, id {deployment.id}.",
        *([f"Made work pool {deployment.work_pool_name!r} for it."] if made.made_pool else []),
        f"It runs {deployment.entrypoint}{where}, by queue {queue!r} of pool {deployment.work_pool_name!r}.",
        *(f"Schedule {schedule.slug!r}: {describe(schedule)}." for schedule in deployment.schedules),
        f"Look at it:      headrace deployment inspect {quoted_name(deployment)}   ({made.address})",
        f"Start a worker:  headrace worker start --pool {quote(str(deployment.work_pool_name))}",
        f"Start a run:     headrace deployment run {quoted_name(deployment)} --watch",
    ]
