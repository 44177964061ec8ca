"""Makes one deployment by the API: checks all first, then pool, bundle, flow and deployment in one go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from headrace.cli.connect import checked, connect, given
from headrace.cli.deploying import remarks
from headrace.cli.errors import CliError
from headrace.cli.output import note
from headrace.cli.schedules import read_schedule
from headrace.cli.values import quote
from headrace.project.sources import Sources

if TYPE_CHECKING:
    from headrace.cli.deploying.answers import Answers
    from headrace.client.api import Api
    from headrace.contract.deployments import Deployment, DeploymentCreate

NO_FLOW = UUID(int=0)
"""Stands for the flow's id while a request is only checked."""


@dataclass
class Made:
    """What came of it."""

    deployment: Deployment
    before: Deployment | None
    address: str
    made_pool: bool = False
    remarks: list[str] = field(default_factory=list)
    workers: list[str] = field(default_factory=list)


def send(answers: Answers, sources: Sources, project: str | None = None) -> Made:
    """Make the deployment, or bring it up to date; nothing is sent before all is known to fit."""
    from headrace.contract.flows import FlowCreate

    steps = sources.steps(answers.pull())
    members = _members(answers, steps, project)
    _body(members, NO_FLOW)
    flow_body = checked(FlowCreate, name=answers.facts.flow_name)
    said = [*remarks.about_code(answers.entrypoint, steps, sources)]
    with connect() as api:
        made_pool = _needs_pool(api, answers, said)
        if sources.packed is not None:
            api.bundles.upload(sources.packed.path, sources.packed.digest)
        with _pool_for(api, answers.pool, make=made_pool):
            flow = api.flows.create(flow_body).value
            before = _known(api, flow_body.name, answers.name)
            deployment = api.deployments.create(_body(members, flow.id)).value
        workers = _serving(api, deployment)
        address = f"{api.transport.api_url}/deployments/{deployment.id}"
    return Made(deployment, before, address, made_pool, said, workers)


def _serving(api: Api, deployment: Deployment) -> list[str]:
    """Names of the live workers that would take its runs; those of one page at most."""
    from headrace.contract.deployments import DeploymentStatus
    from headrace.contract.workers import WorkerStatus

    pool, queue = deployment.work_pool_name, deployment.work_queue_name or "default"
    if pool is None or deployment.status is not DeploymentStatus.READY:
        return []
    return [
        worker.name
        for worker in api.workers.list(pool).items
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
    return members | given(
        name=answers.name,
        work_pool_name=answers.pool,
        entrypoint=answers.entrypoint,
        pull_steps=steps,
        parameters=answers.parameters,
        tags=answers.tags,
        schedules=None if answers.times is None else [read_schedule(answers.times)],
        labels=None if project is None else {PROJECT_LABEL: project},
    )


def _body(members: dict[str, Any], flow_id: UUID) -> DeploymentCreate:
    from headrace.contract.deployments import DeploymentCreate

    return checked(DeploymentCreate, **members, flow_id=flow_id)


def _needs_pool(api: Api, answers: Answers, said: list[str]) -> bool:
    """Whether the pool must be made first; one that is there may be worth a remark."""
    from headrace.client.errors import NotFound

    try:
        said += remarks.about_pool(api.pools.read(answers.pool))
    except NotFound:
        if answers.create_pool:
            return True
        raise
    return False


@contextmanager
def _pool_for(api: Api, name: str, *, make: bool) -> Iterator[None]:
    """Make the pool at the last moment; if what follows fails, say that it was made."""
    if not make:
        yield
        return
    from headrace.contract.work_pools import WorkPoolCreate

    api.pools.create(checked(WorkPoolCreate, name=name, type="process"))
    try:
        yield
    except BaseException as error:
        note(
            f"Work pool {name!r} was made before this and stays; to remove it: headrace work-pool delete {quote(name)}"
        )
        if isinstance(error, KeyboardInterrupt):
            raise CliError("Stopped before the deployment was made.", code=130) from None
        raise
