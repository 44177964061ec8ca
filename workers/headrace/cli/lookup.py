"""Finds what a command names: a queue, a deployment, a run."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from headrace.cli.errors import BadUsage, CliError
from headrace.cli.values import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from headrace.client.api import Api
    from headrace.contract.deployments import Deployment
    from headrace.contract.flow_runs import FlowRun, FlowRunList
    from headrace.contract.schedules import Schedule
    from headrace.contract.work_pools import WorkPool, WorkQueue

RECENT = 200
"""How many of the latest runs, and of those to come, are looked through for a piece of an id."""
SHORTEST = 3
"""Characters of a piece of an id."""
NAMESAKES = 5
"""Runs of one name that are asked for: enough to see that there are several."""


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
    given_id = as_id(text)
    if given_id is not None:
        return given_id
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
    from headrace.contract.deployments import DeploymentList

    with _suggesting(reference, lambda: map(full_name, api.deployments.list(DeploymentList()).items)):
        return api.deployments.read_by_name(reference)


def find_pool(api: Api, name: str) -> WorkPool:
    """The work pool of that name."""
    from headrace.contract.work_pools import WorkPoolList

    with _suggesting(name, lambda: [pool.name for pool in api.pools.list(WorkPoolList()).items]):
        return api.pools.read(name)


@contextmanager
def _suggesting(name: str, names: Callable[[], Iterable[str]]) -> Iterator[None]:
    """Say of what is not there which name may be meant; `names` are asked for only then: those of one page."""
    from headrace.client.errors import ApiError, NotFound

    try:
        yield
    except NotFound as error:
        from difflib import get_close_matches

        with suppress(ApiError):
            for near in get_close_matches(name, names(), 1):
                error.hint = f"Did you mean {near!r}?" + (f" {error.hint}" if error.hint else "")
        raise


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
    run_id = as_id(text)
    if run_id is not None:
        return run_id
    found = _named(api, text) or (_with_piece(api, text.lower()) if len(text) >= SHORTEST else [])
    if not found:
        raise BadUsage(
            f"{text!r} is not a flow run's id, and none of the latest has that name.",
            "See them with: headrace flow-run ls",
        )
    if len(found) > 1:
        which = ", ".join(f"{run.name} {run.id}" for run in found[:5])
        raise BadUsage(f"{text!r} may be several flow runs: {which}.", "Say which one by its whole id.")
    return found[0].id


def _named(api: Api, name: str) -> list[FlowRun]:
    """Runs of that name. No index has names: the control plane looks through a bounded number of rows."""
    from headrace.contract.flow_runs import FlowRunFilter, FlowRunList
    from headrace.contract.work_pools import AnyOf

    request = FlowRunList(flow_runs=FlowRunFilter(name=AnyOf(any_=[name])), limit=NAMESAKES)
    return [run for run in _around_now(api, request) if run.name == name]


def _with_piece(api: Api, piece: str) -> list[FlowRun]:
    from headrace.contract.flow_runs import FlowRunList

    return [run for run in _around_now(api, FlowRunList(limit=RECENT)) if _is_piece(piece, str(run.id))]


def _around_now(api: Api, request: FlowRunList) -> list[FlowRun]:
    """One page of the runs due by now, the latest first, and one of those to come, the next first.

    What schedules have made ahead cannot hide a run made just now.
    """
    from headrace.cli.latest import to_come, until

    now = datetime.now(UTC)
    pages = [api.runs.list(each(now, request)).items for each in (until, to_come)]
    return list({run.id: run for page in pages for run in page}.values())


def _is_piece(text: str, run_id: str) -> bool:
    return run_id.startswith(text) or run_id.endswith(text)


def as_id(text: str) -> UUID | None:
    """The id that a text is, or None: then it is a name."""
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
