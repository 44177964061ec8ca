"""Deployments that name a pool or queue: found by a walk through all of them, where somebody changes one by hand."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from chalicelib.domain import job_templates
from chalicelib.domain.deployments import Deployment
from chalicelib.domain.errors import Conflict
from chalicelib.domain.pools import WorkPool
from chalicelib.services.pages import pages
from chalicelib.services.ports import Ports

PAGE = 100
NAMED = 5
"""Deployments that a refusal names."""


def pointing_at(ports: Ports, pool: str, queue: str | None = None) -> Iterator[Deployment]:
    """Deployments that run in a pool, or in one queue of it, by name."""
    for deployment in every_deployment(ports):
        if deployment.work_pool_name == pool and queue in (None, deployment.work_queue_name):
            yield deployment


def every_deployment(ports: Ports) -> Iterator[Deployment]:
    """All deployments, by name."""
    for rows in pages(lambda after: ports.deployments.names(after, PAGE)):
        yield from ports.deployments.read_many([identity for identity, _ in rows]).values()


def refuse_while_pointed_at(ports: Ports, what: str, pool: str, queue: str | None = None) -> None:
    """Raise `Conflict` if new runs of a deployment would find nothing there any more."""
    found = [one.full_name for one in islice(pointing_at(ports, pool, queue), NAMED + 1)]
    if not found:
        return
    names = ", ".join(map(repr, found[:NAMED])) + (" and others" if len(found) > NAMED else "")
    raise Conflict(
        f"{what} is where {names} {'run' if len(found) > 1 else 'runs'}.",
        code="deployments_point_here",
        hint="Deploy them to another pool or queue, or delete them. With --cancel-runs or --move-to it is "
        "deleted all the same; their schedules then make no runs until they are deployed elsewhere.",
    )


def misfits(
    ports: Ports, pool: WorkPool, after: str | None, limit: int
) -> tuple[list[tuple[Deployment, str]], str | None]:
    """Of the next so many deployments those that do not fit the pool's job template, and why; and where to go on."""
    template = job_templates.effective(pool.base_job_template, pool.type)
    rows, more = ports.deployments.names(after, limit)
    found = []
    for deployment in ports.deployments.read_many([identity for identity, _ in rows]).values():
        if deployment.work_pool_name == pool.name:
            problem = job_templates.misfit(template, deployment.job_variables)
            found += [(deployment, problem)] if problem else []
    return found, rows[-1][1] if more else None
