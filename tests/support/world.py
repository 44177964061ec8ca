"""The whole table read from behind, and what must hold in it after every single call."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chalicelib.domain.deployments import Deployment, ScheduleRecord
from chalicelib.domain.pools import Session, WorkPool, WorkQueue
from chalicelib.domain.runs import Run
from chalicelib.domain.transitions import TERMINAL
from chalicelib.storage.documents import Codec
from headrace.contract.states import StateType
from tests.support.aws import Aws

RUN, SESSION = Codec(Run), Codec(Session)
POOL, QUEUE = Codec(WorkPool), Codec(WorkQueue)
DEPLOYMENT, SCHEDULE = Codec(Deployment), Codec(ScheduleRecord)
_parsed: dict[bytes, Run] = {}


@dataclass(frozen=True)
class Limit:
    """A limit as stored; without a maximum it is removed."""

    maximum: int | None
    holders: frozenset[UUID]


@dataclass
class World:
    """Every record by its key."""

    runs: dict[UUID, Run]
    lanes: dict[UUID, str | None]
    sessions: dict[UUID, Session]
    limits: dict[str, Limit]
    pools: dict[str, WorkPool]
    queues: dict[tuple[str, str], WorkQueue]
    deployments: dict[UUID, Deployment]
    schedules: dict[tuple[UUID, str], ScheduleRecord]

    def held(self) -> Iterator[Run]:
        """Runs that a session holds."""
        return (run for run in self.runs.values() if run.is_held)


def read(aws: Aws) -> World:
    """Everything in the table, without a call of AWS."""
    world = World({}, {}, {}, {}, {}, {}, {}, {})
    for rows in aws.table.items.values():
        for stored in rows.values():
            _add(world, {name: value.value for name, value in stored.attrs.items()})
    return world


def _add(world: World, item: dict[str, Any]) -> None:
    doc = item.get("doc")
    kind = item["sk"].partition("#")[0]
    if kind == "RUN":
        run = _run(item["blob"])
        world.runs[run.id], world.lanes[run.id] = run, item.get("lane")
    elif kind == "SESSION":
        session = SESSION.load(doc)
        world.sessions[session.id] = session
    elif kind == "SLOTS":
        holders = frozenset(UUID(bytes=bytes(run)) for run in item.get("holders", ()))
        maximum = int(item["maximum"]) if "maximum" in item else None
        world.limits[item["pk"].removeprefix("SLOTS#")] = Limit(maximum, holders)
    elif kind == "POOL":
        pool = POOL.load(doc)
        world.pools[pool.name] = pool
    elif kind == "QUEUE":
        queue = QUEUE.load(doc)
        world.queues[queue.work_pool_name, queue.name] = queue
    elif kind == "DEPLOYMENT":
        deployment = DEPLOYMENT.load(doc)
        world.deployments[deployment.id] = deployment
    elif kind == "SCHEDULE":
        schedule = SCHEDULE.load(doc)
        world.schedules[schedule.deployment_id, schedule.slug] = schedule


def _run(packed: bytes) -> Run:
    """Parsing is most of the cost, and most runs are as they were at the last look."""
    if packed not in _parsed:
        if len(_parsed) > 5000:
            _parsed.clear()
        _parsed[packed] = RUN.load(zlib.decompress(packed).decode())
    return _parsed[packed]


def check_always(world: World) -> None:
    """What holds after every call of AWS, whatever failed: it is written in one transaction or not at all."""
    for name, limit in world.limits.items():
        mine = {run.id for run in world.runs.values() if name in run.slots}
        assert limit.holders == mine, f"holders of {name}: {limit.holders}, runs with a slot of it: {mine}"
    for run in world.runs.values():
        _check_run(run, world.lanes[run.id])
        missing = [name for name in run.slots if name not in world.limits]
        assert not missing, f"{run.id} has slots of {missing}, which do not exist"


def _check_run(run: Run, lane: str | None) -> None:
    assert run.is_held or not run.slots, f"{run.id} is {run.state.type} and holds {run.slots}"
    assert run.is_held or run.session is None, f"{run.id} is {run.state.type} in a session"
    assert [one.attempt for one in run.attempts] == sorted({one.attempt for one in run.attempts})
    assert not run.attempts or run.attempts[-1].attempt == run.attempt
    times = [state.timestamp for state in (*run.history, run.state)]
    assert times == sorted(times), f"the history of {run.id} goes back in time: {times}"
    numbers = [state.seq for state in (*run.history, run.state)]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert lane == _lane(run), f"{run.id} is {run.state.type} in lane {lane}"


def _lane(run: Run) -> str | None:
    if run.work_pool_name is None:
        return "ACTIVE#" if run.is_held else None
    if run.state.type in TERMINAL:
        return None
    if run.state.type is StateType.PENDING:
        return None
    if run.is_held:
        return f"ACTIVE#{run.work_pool_name}"
    return f"LINE#{run.line}" if run.line else f"READY#{run.work_pool_name}/{run.work_queue_name}"


def check_settled(world: World) -> None:
    """What holds once ticks have gone over it: every active run is in the hands of a live session."""
    for run in world.held():
        if run.work_pool_name is None:
            continue
        session = world.sessions.get(run.session) if run.session else None
        assert session is not None and session.is_open, f"{run.id} is {run.state.type} without a session"
        assert run.id in session.held, f"{run.id} is not among what its session holds"
        for name in limits_of(run, world):
            assert run.id in world.limits[name].holders, f"{run.id} is {run.state.type} outside {name}"
    for pool in world.pools.values():
        _agrees(world, f"pool:{pool.name}", pool.concurrency_limit)
    for queue in world.queues.values():
        _agrees(world, f"queue:{queue.work_pool_name}/{queue.name}", queue.concurrency_limit)
    for deployment in world.deployments.values():
        _agrees(world, f"deployment:{deployment.id}", deployment.concurrency_limit)


def _agrees(world: World, name: str, maximum: int | None) -> None:
    stored = world.limits.get(name)
    assert (stored.maximum if stored else None) == maximum, f"{name} shall be {maximum}, is {stored}"


def limits_of(run: Run, world: World) -> list[str]:
    """The limits that exist and that this run falls under, found without the code under test."""
    names = [f"pool:{run.work_pool_name}", f"queue:{run.work_pool_name}/{run.work_queue_name}"]
    names += [f"deployment:{run.deployment_id}", *(f"tag:{tag}" for tag in run.tags)]
    if run.schedule_slug and run.deployment_id and run.schedule_revision is not None:
        schedule = world.schedules.get((run.deployment_id, run.schedule_slug))
        if schedule and schedule.overlap != "allow" and not schedule.deleted:
            names.append(f"schedule:{run.deployment_id}/{run.schedule_slug}")
    return [name for name in names if name in world.limits and world.limits[name].maximum is not None]
