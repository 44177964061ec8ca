"""Domain values as answers of the contract."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from chalicelib.api.render_work import members, state
from chalicelib.domain.deployments import Deployment, Flow, ScheduleRecord
from chalicelib.domain.limits import Slots
from chalicelib.domain.logs import LogRow
from chalicelib.domain.pools import WorkPool, WorkQueue, pool_id, queue_id
from chalicelib.domain.runs import Run
from chalicelib.domain.versions import Definition, Version
from chalicelib.services.readiness import Standing
from headrace.contract import deployments as deployment_wire
from headrace.contract import flow_runs as run_wire
from headrace.contract import flows as flow_wire
from headrace.contract import limits as limit_wire
from headrace.contract import logs as log_wire
from headrace.contract import schedules as schedule_wire
from headrace.contract import versions as version_wire
from headrace.contract import work_pools as pool_wire
from headrace.contract.states import StateType


def pool(value: WorkPool, standing: Standing) -> pool_wire.WorkPool:
    """A work pool."""
    default = queue_id(value.name, "default")
    return pool_wire.WorkPool(
        **members(value), id=value.id, status=pool_wire.PoolStatus(standing.status), default_queue_id=default
    )


def queue(value: WorkQueue, standing: Standing) -> pool_wire.WorkQueue:
    """A work queue."""
    return pool_wire.WorkQueue(
        **members(value),
        id=value.id,
        work_pool_id=value.work_pool_id,
        status=pool_wire.PoolStatus(standing.status),
        last_polled=standing.last_polled,
    )


def flow(value: Flow) -> flow_wire.Flow:
    """A flow."""
    return flow_wire.Flow(**(members(value) | {"tags": list(value.tags)}), id=value.id)


def schedule(value: ScheduleRecord) -> schedule_wire.Schedule:
    """A schedule."""
    data = members(value) | {"schedule": value.spec, "id": value.id}
    return schedule_wire.Schedule.model_validate(data)


def deployment(
    value: Deployment, schedules: Sequence[ScheduleRecord], is_served: bool
) -> deployment_wire.Deployment:
    """A deployment with its schedules; ready while a live worker serves its queue and that exists."""
    place = (value.work_pool_name, value.work_queue_name)
    data = members(value) | {
        "id": value.id,
        "flow_id": value.flow_id,
        "tags": list(value.tags),
        "schedules": [schedule(record) for record in schedules],
        "work_queue_id": queue_id(*place) if place[0] and place[1] else None,  # type: ignore[arg-type]
        "concurrency_options": {"collision_strategy": value.collision_strategy},
        "retry_policy": _policy(value.retry_policy),
        "status": "READY" if is_served else "NOT_READY",
    }
    return deployment_wire.Deployment.model_validate(data)


def version(value: Version) -> version_wire.Version:
    """A version of a deployment."""
    return version_wire.Version.model_validate(_version(value))


def full_version(value: Version, definition: Definition) -> version_wire.FullVersion:
    """A version with all that it says."""
    return version_wire.FullVersion.model_validate({**_version(value), "definition": dict(definition)})


def _version(value: Version) -> dict[str, Any]:
    return members(value) | {"version": value.label, "changed": list(value.changed)}


def run(value: Run, now: datetime) -> run_wire.FlowRun:
    """A flow run."""
    current = state(value, value.state, now)
    waiting = value.state.type is StateType.SCHEDULED
    policy = value.retry_policy
    return run_wire.FlowRun(
        **(members(value) | _overridden(value, now)),
        expected_start_time=value.due,
        next_scheduled_start_time=value.due if waiting else None,
        work_pool_id=pool_id(value.work_pool_name) if value.work_pool_name else None,
        work_queue_id=_queue_id(value),
        empirical_policy=run_wire.EmpiricalPolicy(retries=policy.retries if policy else None),
        estimated_start_time_delta=max(((value.start_time or now) - value.listed_at).total_seconds(), 0.0),
        state_id=current.id,
        state_type=current.type,
        state_name=current.name,
    )


def _overridden(value: Run, now: datetime) -> dict[str, Any]:
    return {
        "state": state(value, value.state, now),
        "state_history": [state(value, old, now) for old in value.history],
        "attempts": [run_wire.Attempt.model_validate(attempt) for attempt in value.attempts],
        "tags": list(value.tags),
        "retry_policy": _policy(value.retry_policy),
    }


def _queue_id(value: Run) -> UUID | None:
    if value.work_pool_name and value.work_queue_name:
        return queue_id(value.work_pool_name, value.work_queue_name)
    return None


def _policy(value: Any) -> deployment_wire.RetryPolicy | None:
    if value is None:
        return None
    data = members(value) | {"on": list(value.on)}
    if isinstance(value.delay, tuple):
        data["delay"] = list(value.delay)
    return deployment_wire.RetryPolicy(**data)


def waiting(value: Run, now: datetime) -> run_wire.ScheduledRun:
    """A run waiting in a queue."""
    return run_wire.ScheduledRun(
        work_pool_id=pool_id(value.work_pool_name or ""),
        work_queue_id=queue_id(value.work_pool_name or "", value.work_queue_name or ""),
        flow_run=run(value, now),
    )


def log(row: LogRow) -> log_wire.Log:
    """A log record."""
    return log_wire.Log(
        id=row.id,
        created=row.at,
        updated=row.at,
        name=row.name,
        level=row.level,
        message=row.message,
        timestamp=row.at,
        flow_run_id=row.run,
        task_run_id=row.task_run_id,
    )


def limit(value: Slots) -> limit_wire.ConcurrencyLimit:
    """A limit with its holders."""
    kind, _, name = value.name.partition(":")
    return limit_wire.ConcurrencyLimit(
        id=limit_wire.limit_id(value.name),
        name=value.name,
        kind=kind,
        subject=name,
        limit=value.maximum,
        active_slots=len(value.holders),
        holders=sorted(value.holders),
    )
