"""What the API tells of a deployment's runs, as far as their cost depends on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from headrace.cli.connect import rows_of
from headrace.cli.lookup import find_deployment
from headrace.cost import units
from headrace.cost.units import Units

if TYPE_CHECKING:
    from headrace.client.api import Api
    from headrace.contract.deployments import Deployment
    from headrace.contract.flow_runs import FlowRun

DURATION = 60.0
LOG_KB = 4.0
"""Assumed where nothing is known."""
RECENT = 50
"""Runs whose duration and log volume are looked at."""
MOST_RUNS = 20_000
"""Runs of a period that `cost actual` reads; a hundred pages."""
PREVIEW = 1000
"""Occurrences that one request lists."""


@dataclass(frozen=True)
class Facts:
    """Of a deployment: runs of a month by its schedules, typical duration and log of a run, if known."""

    runs: float = 0.0
    duration: float | None = None
    log_kb: float | None = None
    remarks: Sequence[str] = ()


def look(api: Api, name: str, now: datetime, *, with_runs: bool) -> Facts:
    """What is known of a deployment."""
    deployment = find_deployment(api, name)
    runs, remarks = _scheduled(api, deployment, now)
    facts = Facts(runs=runs, remarks=remarks)
    return _with_runs(api, deployment, facts) if with_runs else facts


def _scheduled(api: Api, deployment: Deployment, now: datetime) -> tuple[float, list[str]]:
    """Occurrences of the next 30 days; those of a frequent schedule from its first thousand."""
    total, remarks = 0.0, []
    end = now + timedelta(seconds=units.MONTH)
    schedules = [schedule for schedule in deployment.schedules if schedule.active]
    for schedule in schedules:
        coming = api.schedules.upcoming(deployment.id, schedule.id, now, end, PREVIEW)
        if len(coming) < PREVIEW:
            total += len(coming)
            continue
        first, last = coming[0].due, coming[-1].due
        total += (end - first) // ((last - first) / (PREVIEW - 1)) + 1
        remarks.append(f"Schedule {schedule.slug!r} is counted from its first {PREVIEW} occurrences.")
    if not schedules:
        remarks.append("It has no active schedule: give --runs-per-month.")
    return total, remarks


def _with_runs(api: Api, deployment: Deployment, facts: Facts) -> Facts:
    from headrace.contract.deployments import DeploymentFilter
    from headrace.contract.flow_runs import FlowRunList
    from headrace.contract.work_pools import AnyOf

    wanted = FlowRunList(deployments=DeploymentFilter(id=AnyOf(any_=[str(deployment.id)])), limit=RECENT)
    over = [run for run in api.runs.list(wanted).items if run.end_time and run.start_time]
    if not over:
        return facts
    duration = sum(run.total_run_time for run in over) / len(over)
    log_kb = sum(run.log_bytes for run in over) / len(over) / 1000
    found = f"Duration and log volume from the latest {len(over)} runs."
    return replace(facts, duration=duration, log_kb=log_kb, remarks=[*facts.remarks, found])


@dataclass(frozen=True)
class Group:
    """The runs of one deployment in one pool."""

    pool: str
    deployment: str
    runs: int
    seconds: float
    units: Units


@dataclass(frozen=True)
class Recorded:
    """The runs of a period, by pool and deployment, the dearest first; and the workers there are now."""

    groups: list[Group]
    workers: int
    remarks: list[str]


def recorded(api: Api, since: datetime, now: datetime, log_kb: float | None) -> Recorded:
    """Read the runs that were due since then: their items are the record, no counter is written for it.

    Each wrote `log_kb` of log, or what its worker has told.
    """
    from headrace.contract.flow_runs import FlowRunFilter, FlowRunList, TimeRange

    within = FlowRunFilter(expected_start_time=TimeRange(after_=since, before_=now))
    runs = rows_of(api.runs.list, FlowRunList(flow_runs=within), MOST_RUNS)
    groups: dict[tuple[str, str], Group] = {}
    for run in runs:
        key = (run.work_pool_name or "-", _name(run))
        before = groups.get(key, Group(*key, 0, 0.0, Units()))
        groups[key] = Group(
            *key,
            before.runs + 1,
            before.seconds + run.total_run_time,
            before.units + _used(run, log_kb),
        )
    remarks = []
    if len(runs) == MOST_RUNS:
        remarks.append(f"Only the latest {MOST_RUNS} runs of the period were read.")
    ordered = sorted(groups.values(), key=lambda group: (-group.runs, group.pool, group.deployment))
    return Recorded(ordered, _workers(api), remarks)


def _used(run: FlowRun, log_kb: float | None) -> Units:
    if not run.attempt:
        return units.OCCURRENCE if run.auto_scheduled else units.CREATE
    kb = run.log_bytes / 1000 if log_kb is None else log_kb
    return units.run(run.total_run_time, kb, scheduled=run.auto_scheduled, attempts=run.attempt)


def _name(run: FlowRun) -> str:
    return (
        f"{run.flow_name}/{run.deployment_name}"
        if run.deployment_name
        else f"{run.flow_name} (no deployment)"
    )


def _workers(api: Api) -> int:
    from headrace.contract.work_pools import WorkPoolList
    from headrace.contract.workers import WorkerList, WorkerStatus

    pools = rows_of(api.pools.list, WorkPoolList())
    lists = (rows_of(partial(api.workers.list, pool.name), WorkerList()) for pool in pools)
    return sum(worker.status is WorkerStatus.ONLINE for workers in lists for worker in workers)
