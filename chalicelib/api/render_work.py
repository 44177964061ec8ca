"""Domain values as the answers that workers live on. Apart from `render`: a sync needs no other models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.pools import PoolView, Session, Worker, pool_id
from chalicelib.domain.runs import Run, State, state_id
from chalicelib.domain.shown_runs import shown_name
from chalicelib.services.grants import Granted
from headrace.contract import run_states as state_wire
from headrace.contract import sync as sync_wire
from headrace.contract import workers as worker_wire


def members(value: Any) -> dict[str, Any]:
    """The fields of a domain value."""
    return {field.name: getattr(value, field.name) for field in fields(value)}


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
    data = members(value) | {"session_id": value.session, "work_queues": list(value.work_queues)}
    return worker_wire.Worker(
        **data,
        id=value.id,
        work_pool_id=pool_id(value.work_pool_name),
        last_heartbeat_time=seen,
        status=status,
    )


def state(run: Run, value: State, now: datetime) -> state_wire.State:
    """A state of a run; the current one is named as people see it."""
    name = shown_name(run, now) if value is run.state else value.name
    details = state_wire.StateDetails(scheduled_time=value.scheduled_time, flow_run_id=run.id)
    return state_wire.State(
        id=state_id(run.id, value.seq),
        type=value.type,
        name=name,
        timestamp=value.timestamp,
        message=value.message,
        state_details=details,
    )


def queue_addresses(view: PoolView, names: Sequence[str]) -> list[worker_wire.QueueAddress]:
    """Where the doorbells of these queues of a pool arrive."""
    queues = [view.queues[name] for name in names]
    return [
        worker_wire.QueueAddress(name=queue.name, url=queue.url, priority=queue.priority) for queue in queues
    ]


def grant(value: Granted) -> sync_wire.Grant:
    """A run with all that is needed to start it."""
    found, deployed = value.run, value.deployment
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
        parameters_digest=found.parameters_digest,
        parameters_size=found.parameters_size,
        tags=list(found.tags),
        configuration=dict(value.configuration),
        problem=value.problem,
        expected_start_time=found.due,
        occurrence=found.occurrence,
        timeout_seconds=deployed.timeout_seconds if deployed else None,
        run_count=found.run_count + 1,
        traceparent=found.traceparent,
    )


def _objects(steps: Sequence[Mapping[str, object]] | None) -> list[dict[str, object]] | None:
    return None if steps is None else [dict(step) for step in steps]
