"""Finds what a command names: a queue, a deployment, a run."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from headrace.cli.errors import BadUsage, CliError
from headrace.cli.values import quote

if TYPE_CHECKING:
    from headrace.client.api import Api
    from headrace.contract.deployments import Deployment
    from headrace.contract.flow_runs import FlowRun
    from headrace.contract.schedules import Schedule
    from headrace.contract.work_pools import WorkQueue

RECENT = 200
"""How many of the latest runs are looked through for one that is named by less than its id."""
SHORTEST = 3


def find_queue(api: Api, name: str, pool: str | None) -> WorkQueue:
    """The queue of that name in a pool; without a pool, the only queue of that name."""
    if pool is not None:
        return api.queues.read_by_name(pool, name)
    from headrace.client.resource import each
    from headrace.contract.work_pools import AnyOf, NameFilter, WorkQueueList

    wanted = WorkQueueList(work_queues=NameFilter(name=AnyOf(any_=[name])))
    found = [queue for queue in each(api.queues.list, wanted) if queue.name == name]
    if not found:
        raise CliError(f"There is no work queue {name!r}.", "See which there are: headrace work-queue ls")
    if len(found) > 1:
        pools = ", ".join(sorted(queue.work_pool_name for queue in found))
        raise BadUsage(f"Several pools have a queue {name!r}: {pools}.", "Say which one with --pool.")
    return found[0]


def deployment_reference(text: str) -> UUID | str:
    """Read a deployment's id or its full name."""
    as_id = _uuid(text)
    if as_id is not None:
        return as_id
    flow, slash, name = text.partition("/")
    if not (flow and slash and name) or "/" in name:
        raise BadUsage(
            f"{text!r} is neither a deployment's id nor of the form flow-name/deployment-name.",
            "See which there are: headrace deployment ls",
        )
    return text


def find_deployment(api: Api, text: str) -> Deployment:
    """The deployment of that id or `flow-name/deployment-name`."""
    reference = deployment_reference(text)
    if isinstance(reference, UUID):
        return api.deployments.read(reference)
    return api.deployments.read_by_name(reference)


def find_schedules(api: Api, name: str, slug: str | None) -> tuple[Deployment, list[Schedule]]:
    """A deployment and its schedules: all, or the one of that slug or id."""
    deployment = find_deployment(api, name)
    schedules = api.schedules.all(deployment.id)
    if slug is None:
        return deployment, schedules
    found = [each for each in schedules if slug in (each.slug, str(each.id))]
    if not found:
        known = ", ".join(each.slug for each in schedules) or "none"
        raise CliError(f"{full_name(deployment)!r} has no schedule {slug!r}.", f"Its schedules: {known}.")
    return deployment, found


def find_run(api: Api, text: str) -> UUID:
    """The flow run of that id; among the latest also of that name, or whose id begins or ends so."""
    run_id = _uuid(text)
    if run_id is not None:
        return run_id
    found = _recent_runs(api, text) if len(text) >= SHORTEST else []
    if not found:
        raise BadUsage(
            f"{text!r} is not a flow run's id, and names none of the latest {RECENT}.",
            "See them with: headrace flow-run ls",
        )
    if len(found) > 1:
        which = ", ".join(f"{run.name} {run.id}" for run in found[:5])
        raise BadUsage(f"{text!r} may be several flow runs: {which}.", "Say which one by its whole id.")
    return found[0].id


def _recent_runs(api: Api, text: str) -> list[FlowRun]:
    from headrace.contract.flow_runs import FlowRunList

    latest = api.runs.list(FlowRunList(limit=RECENT)).items
    by_name = [run for run in latest if run.name == text]
    return by_name or [run for run in latest if _is_piece(text.lower(), str(run.id))]


def _is_piece(text: str, run_id: str) -> bool:
    return run_id.startswith(text) or run_id.endswith(text)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def full_name(deployment: Deployment) -> str:
    """`flow-name/deployment-name`."""
    return f"{deployment.flow_name}/{deployment.name}"


def quoted_name(deployment: Deployment) -> str:
    """The full name as a shell takes it."""
    return quote(full_name(deployment))
