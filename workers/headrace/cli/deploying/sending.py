"""Makes one deployment by the API: checks all first, then pool, bundle, flow and deployment in one go."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from headrace.cli.connect import checked, given
from headrace.cli.deploying import remarks
from headrace.cli.deploying.undoing import undoing
from headrace.cli.lookup import find_pool
from headrace.cli.parameter_hints import hinting
from headrace.cli.schedules import read_schedule
from headrace.project.plan import NO_FLOW
from headrace.project.sources import Sources

if TYPE_CHECKING:
    from headrace.cli.deploying.answers import Answers
    from headrace.client.api import Api
    from headrace.contract.deployments import Deployment, DeploymentCreate


@dataclass
class Made:
    """What came of it."""

    deployment: Deployment
    before: Deployment | None
    address: str
    made_pool: bool = False
    remarks: list[str] = field(default_factory=list)
    workers: list[str] = field(default_factory=list)


def send(api: Api, answers: Answers, sources: Sources, project: str | None = None) -> Made:
    """Make the deployment, or bring it up to date; nothing is sent before all is known to fit."""
    from headrace.contract.flows import FlowCreate

    steps = sources.steps(answers.pull())
    members = _members(answers, steps, project)
    _body(members, NO_FLOW)
    flow_body = checked(FlowCreate, name=answers.facts.flow_name)
    said = [*remarks.about_code([(answers.entrypoint, steps)], sources)]
    made_pool = _needs_pool(api, answers, said)
    if sources.packed is not None:
        api.bundles.upload(sources.packed.path, sources.packed.digest)
    with undoing(api) as undo:
        if made_pool:
            undo.make_pool(answers.pool)
        flow = api.flows.create(flow_body).value
        before = _known(api, flow_body.name, answers.name)
        undo.makes(None if before else f"{flow_body.name}/{answers.name}")
        with hinting(answers.facts.parameter_openapi_schema, answers.parameters):
            deployment = api.deployments.create(_body(members, flow.id)).value
    address = f"{api.transport.api_url}/deployments/{deployment.id}"
    return Made(deployment, before, address, made_pool, said)


def look_for_workers(api: Api, made: Made) -> None:
    """Note the live workers that would take its runs; those of one page at most."""
    from headrace.client.errors import ApiError
    from headrace.contract.deployments import DeploymentStatus
    from headrace.contract.workers import WorkerStatus

    pool, queue = made.deployment.work_pool_name, made.deployment.work_queue_name or "default"
    if pool is None or made.deployment.status is not DeploymentStatus.READY:
        return
    try:
        found = api.workers.list(pool).items
    except ApiError as error:
        made.remarks.append(f"the deployment is made, but nobody told who serves its pool: {error.message}")
        return
    made.workers = [
        worker.name
        for worker in found
        if worker.status is WorkerStatus.ONLINE and (not worker.work_queues or queue in worker.work_queues)
    ]


def _known(api: Api, flow: str, name: str) -> Deployment | None:
    """The deployment as it is before this one: what tells whether anything changed."""
    from headrace.client.errors import NotFound

    try:
        return api.deployments.read_by_name(f"{flow}/{name}")
    except NotFound:
        return None


def _members(answers: Answers, steps: list[dict[str, Any]], project: str | None) -> dict[str, Any]:
    from headrace.project.plan import PROJECT_LABEL

    members = given(**answers.facts.members()) | answers.members
    schedules = answers.schedules()
    return members | given(
        name=answers.name,
        work_pool_name=answers.pool,
        entrypoint=answers.entrypoint,
        pull_steps=steps,
        parameters=answers.parameters,
        tags=answers.tags,
        schedules=None if schedules is None else [read_schedule(times) for times in schedules],
        labels=None if project is None else {**members.get("labels", {}), PROJECT_LABEL: project},
    )


def _body(members: dict[str, Any], flow_id: UUID) -> DeploymentCreate:
    from headrace.contract.deployments import DeploymentCreate

    return checked(DeploymentCreate, **members, flow_id=flow_id)


def _needs_pool(api: Api, answers: Answers, said: list[str]) -> bool:
    """Whether the pool must be made first; one that is there may be worth a remark."""
    from headrace.client.errors import NotFound

    try:
        said += remarks.about_pools([find_pool(api, answers.pool)])
    except NotFound:
        if answers.create_pool:
            return True
        raise
    return False
