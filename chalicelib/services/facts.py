"""Reads what `eligibility.judge` needs to know about runs, all of it consistently."""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.domain import limits
from chalicelib.domain.eligibility import Facts
from chalicelib.domain.pools import PoolView
from chalicelib.domain.runs import Run
from chalicelib.services.ports import Ports


def gather(ports: Ports, view: PoolView | None, runs: Iterable[Run]) -> Facts:
    """Facts for a decision about these runs, of one pool."""
    runs = list(runs)
    deployments = ports.deployments.read_many({run.deployment_id for run in runs if run.deployment_id})
    schedules = ports.deployments.schedules_by_slug(
        {(run.deployment_id, run.schedule_slug) for run in runs if run.deployment_id and run.schedule_slug}
    )
    names = {tag for run in runs for tag in map(limits.tag_limit, run.tags)}
    if view:
        names |= _pool_limits(view, runs)
    for deployment in deployments.values():
        if deployment.concurrency_limit is not None:
            names.add(limits.deployment_limit(deployment.id))
    for (owner, slug), schedule in schedules.items():
        if schedule.overlap != "allow":
            names.add(limits.schedule_limit(owner, slug))
    slots = ports.slots.read(names) if names else {}
    return Facts(ports.clock(), view, deployments, slots, schedules)


def _pool_limits(view: PoolView, runs: list[Run]) -> set[str]:
    names = set()
    if view.pool.concurrency_limit is not None:
        names.add(limits.pool_limit(view.pool.name))
    for name in {run.work_queue_name for run in runs}:
        queue = view.queues.get(name or "")
        if queue and queue.concurrency_limit is not None:
            names.add(limits.queue_limit(view.pool.name, queue.name))
    return names
