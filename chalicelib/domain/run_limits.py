"""Under which limits a run falls, by their names."""

from __future__ import annotations

from chalicelib.domain.limits import deployment_limit, pool_limit, queue_limit, schedule_limit, tag_limit
from chalicelib.domain.runs import Run


def may_need(run: Run, limit: str) -> bool:
    """Whether a run falls under a limit of this name."""
    return limit in possible_limits(run)


def lines_of(run: Run) -> list[str]:
    """Names of the limits in whose lines runs may wait for what this one takes."""
    return [name for name in possible_limits(run) if not name.startswith(("pool:", "queue:"))]


def possible_limits(run: Run) -> list[str]:
    """Names of all limits under which a run may fall, whether there are any, in the order in which they are asked."""
    names = []
    if run.work_pool_name:
        names.append(pool_limit(run.work_pool_name))
        if run.work_queue_name:
            names.append(queue_limit(run.work_pool_name, run.work_queue_name))
    if run.deployment_id:
        names.append(deployment_limit(run.deployment_id))
        is_scheduled = run.schedule_revision is not None  # neither a backfill nor what a person reruns
        if run.schedule_slug and is_scheduled:
            names.append(schedule_limit(run.deployment_id, run.schedule_slug))
    return [*names, *(tag_limit(tag) for tag in sorted(set(run.tags)))]
