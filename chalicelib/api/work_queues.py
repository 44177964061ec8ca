"""Routes of work queues."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID

from chalicelib.api import cursors, render
from chalicelib.api.endpoint import Call, Found, endpoint
from chalicelib.api.pages import Page
from chalicelib.api.queries import fate, given, texts, uuids
from chalicelib.domain.access import Need
from chalicelib.domain.limits import queue_limit
from chalicelib.domain.pools import WorkQueue
from chalicelib.domain.schedules import LATE_AFTER, is_late
from headrace.contract import flow_runs as run_wire
from headrace.contract import work_pools as wire

_NOT_NULL = {"is_paused", "priority"}
_PLACE = re.compile(r"[0-9]{1,10}/.+", re.DOTALL)


@endpoint(
    "POST",
    "/work_pools/{pool}/queues",
    body=wire.WorkQueueCreate,
    answer=wire.WorkQueue,
    status=201,
    needs=Need.DEPLOY,
)
def create(call: Call[wire.WorkQueueCreate], pool: str) -> Found:
    """Make a further queue of a pool; 200 when the idempotency key finds the one made before."""
    values = given(call.body, leave_out={"name", "filter"})
    queue, made = call.plane.pools.create_queue(pool, call.body.name, values)
    return Found(_shown(call, queue), 201 if made else 200)


@endpoint("GET", "/work_pools/{pool}/queues/{name}", answer=wire.WorkQueue, needs=Need.VIEW)
def read_by_name(call: Call[None], pool: str, name: str) -> wire.WorkQueue:
    """One queue, by names."""
    return _shown(call, call.plane.pools.queue(pool, name))


@endpoint("GET", "/work_queues/{queue_id}", answer=wire.WorkQueue, needs=Need.VIEW)
def read(call: Call[None], queue_id: UUID) -> wire.WorkQueue:
    """One queue, by id."""
    return _shown(call, call.plane.pools.queue_by_id(queue_id))


@endpoint(
    "PATCH",
    "/work_queues/{queue_id}",
    body=wire.WorkQueueUpdate,
    needs=Need.DEPLOY,
    eased=frozenset({"is_paused", "concurrency_limit"}),
)
def update(call: Call[wire.WorkQueueUpdate], queue_id: UUID) -> None:
    """Change the members given."""
    queue = call.plane.pools.queue_by_id(queue_id)
    changes = given(call.body, not_null=_NOT_NULL)
    call.plane.pools.update_queue(queue.work_pool_name, queue.name, changes)


@endpoint("DELETE", "/work_queues/{queue_id}", query=wire.DeleteOptions, needs=Need.DEPLOY)
def delete(call: Call[None], queue_id: UUID) -> None:
    """Delete a queue."""
    queue = call.plane.pools.queue_by_id(queue_id)
    call.plane.pools.delete_queue(queue.work_pool_name, queue.name, fate(call.query))


@endpoint(
    "POST",
    "/work_pools/{pool}/queues/filter",
    body=wire.WorkQueueList,
    answer=list[wire.WorkQueue],
    needs=Need.VIEW,
)
def page_of_pool(call: Call[wire.WorkQueueList], pool: str) -> Page:
    """A page of a pool's queues, as they are served."""
    body, wants, after = call.body, _wanted(call.body), _after(call.body.cursor)
    queues = call.plane.pools.view(pool).in_order()
    found = [queue for queue in queues if wants(queue) and (queue.priority, queue.name) > after]
    standing = call.plane.readiness.standings(pool)
    end = body.offset + body.limit
    part = found[body.offset : end]
    places = [f"{queue.priority}/{queue.name}" for queue in part]
    cursor = places[-1] if places and len(found) > end else None
    return Page([render.queue(queue, standing(queue)) for queue in part], cursor, places)


@endpoint(
    "POST",
    "/work_queues/filter",
    body=wire.WorkQueueList,
    answer=list[wire.WorkQueue],
    needs=Need.VIEW,
)
def page(call: Call[wire.WorkQueueList]) -> Page:
    """A page of all queues, by pool and name."""
    body = call.body
    ids = uuids(body.work_queues.id, "work_queues.id") if body.work_queues else None
    cursor = None
    if ids is not None:
        found = call.plane.pools.queues_by_id(ids)[body.offset : body.offset + body.limit]
    else:
        found, cursor = call.plane.pools.queues(body.cursor, body.limit, body.offset)
    standing, wants = call.plane.readiness.standings(), _wanted(body)
    found = [queue for queue in found if wants(queue)]
    places = [f"{queue.work_pool_name}/{queue.name}" for queue in found] if ids is None else None
    return Page([render.queue(queue, standing(queue)) for queue in found], cursor, places)


@endpoint("GET", "/work_queues/{queue_id}/status", answer=wire.WorkQueueStatus, needs=Need.VIEW)
def status(call: Call[None], queue_id: UUID) -> wire.WorkQueueStatus:
    """Whether a worker polled the queue within the last minute, and how many of its runs are late."""
    queue = call.plane.pools.queue_by_id(queue_id)
    now = call.plane.ports.clock()
    found = call.plane.readiness.standings(queue.work_pool_name)(queue)
    waiting = call.plane.run_lists.waiting(queue.work_pool_name, [queue.name], now - LATE_AFTER, 200)
    late = [run for run in waiting if is_late(run.due, now)]
    healthy = found.status == "READY" and not late
    return wire.WorkQueueStatus(healthy=healthy, late_runs_count=len(late), last_polled=found.last_polled)


@endpoint(
    "POST",
    "/work_queues/{queue_id}/get_runs",
    body=run_wire.QueueRunsRequest,
    answer=list[run_wire.FlowRun],
    needs=Need.VIEW,
)
def runs(call: Call[run_wire.QueueRunsRequest], queue_id: UUID) -> Page:
    """Runs that wait in a queue."""
    queue = call.plane.pools.queue_by_id(queue_id)
    body = call.body
    rows = call.plane.run_lists.waiting(queue.work_pool_name, [queue.name], body.scheduled_before, body.limit)
    now = call.plane.ports.clock()
    return Page([render.run(run, now) for run in rows], is_head=True)


@endpoint(
    "POST",
    "/work_queues/{queue_id}/concurrency_status",
    body=wire.Page,
    answer=wire.ConcurrencyStatus,
    needs=Need.VIEW,
)
def concurrency_status(call: Call[wire.Page], queue_id: UUID) -> wire.ConcurrencyStatus:
    """A queue's limit and the runs that hold it."""
    queue = call.plane.pools.queue_by_id(queue_id)
    limited = queue.concurrency_limit is not None
    name = queue_limit(queue.work_pool_name, queue.name)
    holders = sorted(call.plane.limits.read(name).holders) if limited else []
    return wire.ConcurrencyStatus(
        concurrency_limit=queue.concurrency_limit, active_slots=len(holders), flow_run_ids=holders
    )


def _after(place: str | None) -> tuple[int, str]:
    """The priority and name after which a list of a pool's queues goes on."""
    priority, _, name = (cursors.check(place, _PLACE) or "-1/").partition("/")
    return int(priority), name


def _wanted(body: wire.WorkQueueList) -> Callable[[WorkQueue], bool]:
    """Whether the filter lets a queue through."""
    wanted = body.work_queues or wire.NameFilter()
    ids, names = uuids(wanted.id, "work_queues.id"), texts(wanted.name)
    return lambda queue: (ids is None or queue.id in ids) and (names is None or queue.name in names)


def _shown(call: Call[object], queue: WorkQueue) -> wire.WorkQueue:
    return render.queue(queue, call.plane.readiness.standings(queue.work_pool_name)(queue))
