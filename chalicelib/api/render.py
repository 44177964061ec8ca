"""Domain values as answers of the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from chalicelib.domain import job_templates
from chalicelib.domain.deployments import Deployment, Flow, ScheduleRecord
from chalicelib.domain.eligibility import Slots
from chalicelib.domain.pools import PoolView, Session, Worker, WorkPool, WorkQueue, pool_id, queue_id
from chalicelib.domain.runs import Run, State, state_id
from chalicelib.services.pools import PoolStatus
from chalicelib.services.run_lists import shown_name
from chalicelib.services.sync import Granted
from chalicelib.storage.logs import LogRow
from headrace.contract import deployments as deployment_wire
from headrace.contract import flow_runs as run_wire
from headrace.contract import flows as flow_wire
from headrace.contract import limits as limit_wire
from headrace.contract import logs as log_wire
from headrace.contract import schedules as schedule_wire
from headrace.contract import sync as sync_wire
from headrace.contract import work_pools as pool_wire
from headrace.contract import workers as worker_wire
from headrace.contract.states import StateType


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}


def pool(value: WorkPool, status: PoolStatus) -> pool_wire.WorkPool:
    """A work pool."""
    default = queue_id(value.name, "default")
    return pool_wire.WorkPool(
        **_fields(value), id=value.id, status=pool_wire.PoolStatus(status.status), default_queue_id=default
    )


def queue(value: WorkQueue, status: PoolStatus) -> pool_wire.WorkQueue:
    """A work queue."""
    return pool_wire.WorkQueue(
        **_fields(value),
        id=value.id,
        work_pool_id=value.work_pool_id,
        status=pool_wire.PoolStatus(status.status),
        last_polled=status.last_polled,
    )


def worker(value: Worker, session: Session | None, now: datetime) -> worker_wire.Worker:
    """A worker, online while its session's lease runs or its heartbeat is fresh."""
    if session is not None:
        online = session.is_open and session.lease_until >= now
        seen: datetime | None = session.renewed or session.created
    else:
        grace = timedelta(seconds=3 * (value.heartbeat_interval_seconds or 0))
        online = value.session is None and value.updated + grace >= now
        seen = value.updated
    status = worker_wire.WorkerStatus.ONLINE if online else worker_wire.WorkerStatus.OFFLINE
    data = _fields(value) | {"session_id": value.session, "work_queues": list(value.work_queues)}
    return worker_wire.Worker(
        **data,
        id=value.id,
        work_pool_id=pool_id(value.work_pool_name),
        last_heartbeat_time=seen,
        status=status,
    )


def flow(value: Flow) -> flow_wire.Flow:
    """A flow."""
    return flow_wire.Flow(**(_fields(value) | {"tags": list(value.tags)}), id=value.id)


def schedule(value: ScheduleRecord) -> schedule_wire.Schedule:
    """A schedule."""
    data = _fields(value) | {"schedule": value.spec, "id": value.id}
    return schedule_wire.Schedule.model_validate(data)


def deployment(
    value: Deployment, schedules: Sequence[ScheduleRecord], status: str = "NOT_READY"
) -> deployment_wire.Deployment:
    """A deployment with its schedules."""
    place = (value.work_pool_name, value.work_queue_name)
    data = _fields(value) | {
        "id": value.id,
        "flow_id": value.flow_id,
        "tags": list(value.tags),
        "schedules": [schedule(record) for record in schedules],
        "work_queue_id": queue_id(*place) if place[0] and place[1] else None,  # type: ignore[arg-type]
        "concurrency_options": {"collision_strategy": value.collision_strategy},
        "retry_policy": _policy(value.retry_policy),
        "status": status,
    }
    return deployment_wire.Deployment.model_validate(data)


def state(run: Run, value: State, now: datetime) -> run_wire.State:
    """A state of a run; the current one is named as people see it."""
    name = shown_name(run, now) if value is run.state else value.name
    details = run_wire.StateDetails(scheduled_time=value.scheduled_time, flow_run_id=run.id)
    return run_wire.State(
        id=state_id(run.id, value.seq),
        type=value.type,
        name=name,
        timestamp=value.timestamp,
        message=value.message,
        state_details=details,
    )


def run(value: Run, now: datetime) -> run_wire.FlowRun:
    """A flow run."""
    current = state(value, value.state, now)
    waiting = value.state.type is StateType.SCHEDULED
    policy = value.retry_policy
    return run_wire.FlowRun(
        **(_fields(value) | _overridden(value, now)),
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
    data = _fields(value) | {"on": list(value.on)}
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


def grant(value: Granted, pool_value: WorkPool) -> sync_wire.Grant:
    """A run with all that is needed to start it."""
    found, deployed = value.run, value.deployment
    template = job_templates.effective(pool_value.base_job_template, pool_value.type)
    variables = deployed.job_variables if deployed else {}
    return sync_wire.Grant(
        run=found.id,
        attempt=found.attempt,
        name=found.name,
        flow_name=found.flow_name,
        deployment_id=found.deployment_id,
        deployment_name=found.deployment_name,
        work_queue_name=found.work_queue_name or "",
        entrypoint=deployed.entrypoint if deployed else None,
        path=deployed.path if deployed else None,
        pull_steps=_objects(deployed.pull_steps) if deployed else None,
        parameters=dict(found.parameters),
        tags=list(found.tags),
        configuration=job_templates.render(template, variables, found.job_variables),
        expected_start_time=found.due,
        timeout_seconds=deployed.timeout_seconds if deployed else None,
        run_count=found.run_count + 1,
    )


def _objects(steps: Sequence[Mapping[str, object]] | None) -> list[dict[str, object]] | None:
    return None if steps is None else [dict(step) for step in steps]


def queue_addresses(view: PoolView) -> list[worker_wire.QueueAddress]:
    """Where the doorbells of a pool's queues arrive."""
    return [
        worker_wire.QueueAddress(name=queue.name, url=queue.url, priority=queue.priority)
        for queue in view.in_order()
    ]


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
