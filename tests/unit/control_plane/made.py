"""Runs and their surroundings, made for tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from chalicelib.domain import runs
from chalicelib.domain.deployments import Deployment, ScheduleRecord
from chalicelib.domain.eligibility import Facts
from chalicelib.domain.limits import Slots
from chalicelib.domain.names import deployment_id, flow_id
from chalicelib.domain.pools import PoolView, WorkPool, WorkQueue
from chalicelib.domain.runs import Run, State
from chalicelib.domain.transitions import Cause
from headrace.contract.states import DEFAULT_NAME, StateType

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SESSION = UUID(int=1)
OTHER = UUID(int=2)
RUN = UUID(int=7)
DEPLOYMENT = deployment_id("flow", "main")


def later(seconds: float) -> datetime:
    """A moment after `NOW`."""
    return NOW + timedelta(seconds=seconds)


def a_run(**values: Any) -> Run:
    """A run of a deployment that waits and is due."""
    state = State(StateType.SCHEDULED, NOW, "Scheduled", None, NOW)
    base: dict[str, Any] = {
        "id": RUN,
        "name": "swift-otter",
        "flow_name": "flow",
        "flow_id": flow_id("flow"),
        "created": NOW,
        "updated": NOW,
        "due": NOW,
        "listed_at": NOW,
        "state": state,
        "deployment_id": DEPLOYMENT,
        "deployment_name": "main",
        "work_pool_name": "pool",
        "work_queue_name": "default",
    }
    return Run(**{**base, **values})


def in_state(state: StateType, **values: Any) -> Run:
    """A run that came into this state as runs do; one that a session holds is held by `SESSION`."""
    run = a_run(**values)
    if state is StateType.SCHEDULED:
        return run
    run = runs.claimed(run, SESSION, "w1", ("pool:pool",), later(1))
    if state is StateType.PENDING:
        return run
    run = runs.started(run, later(2), later(2), 42, 1)
    if state is StateType.RUNNING:
        return run
    if state is StateType.PAUSED:
        return replace(runs.move(run, state, Cause.REPORT, later(3)), session=None, slots=())
    if state is StateType.CANCELLING:
        return runs.move(run, state, Cause.USER, later(3))
    if state is StateType.CANCELLED:
        run = runs.move(run, StateType.CANCELLING, Cause.USER, later(3))
    return runs.ended(run, state, Cause.REPORT, later(4))


def a_view(**changes: Any) -> PoolView:
    """Pool `pool` with its default queue; `pool_` and `queue_` members change them."""
    pool = {key.removeprefix("pool_"): value for key, value in changes.items() if key.startswith("pool_")}
    queue = {key.removeprefix("queue_"): value for key, value in changes.items() if key.startswith("queue_")}
    return PoolView(
        WorkPool("pool", NOW, NOW, **pool),
        {"default": WorkQueue("pool", "default", NOW, NOW, "url", **queue)},
    )


def a_deployment(**values: Any) -> Deployment:
    """Deployment `flow/main`."""
    return Deployment("flow", "main", NOW, NOW, **{"work_pool_name": "pool", **values})


def a_schedule(**values: Any) -> ScheduleRecord:
    """Each minute, as `nightly` of the deployment."""
    base: dict[str, Any] = {"slug": "nightly", "created": NOW, "updated": NOW, "spec": {"interval": 60}}
    return ScheduleRecord(DEPLOYMENT, **{**base, **values})


def facts(*, now: datetime = NOW, view: PoolView | None = None, limits: Any = (), **values: Any) -> Facts:
    """What is known: by default nothing stands in the way. `limits` are (name, maximum, holders)."""
    deployment = values.get("deployment", a_deployment())
    schedule = values.get("schedule")
    return Facts(
        now,
        view if view is not None else a_view(),
        {deployment.id: deployment} if deployment else {},
        {name: Slots(name, maximum, frozenset(holders)) for name, maximum, holders in limits},
        {(DEPLOYMENT, schedule.slug): schedule} if schedule else {},
    )


def default_name(state: StateType) -> str:
    """The name that a state has by itself."""
    return DEFAULT_NAME[state].value
