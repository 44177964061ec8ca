"""Routes of work pools."""

from __future__ import annotations

from chalicelib.api import render
from chalicelib.api.endpoint import Call, Found, endpoint
from chalicelib.api.pages import Page
from chalicelib.api.queries import fate, given, only_names
from chalicelib.domain.access import Need
from chalicelib.domain.limits import pool_limit
from chalicelib.services.pointing import misfits
from headrace.contract import flow_runs as run_wire
from headrace.contract import system as system_wire
from headrace.contract import work_pools as wire


@endpoint(
    "POST",
    "/work_pools",
    body=wire.WorkPoolCreate,
    answer=wire.WorkPool,
    status=201,
    needs=Need.DEPLOY,
)
def create(call: Call[wire.WorkPoolCreate]) -> Found:
    """Make a work pool with its default queue; 200 when the idempotency key finds the one made before."""
    values = given(call.body, leave_out={"name", "storage_configuration"})
    pool, made = call.plane.pools.create(call.body.name, values)
    return Found(render.pool(pool, call.plane.readiness.standings(pool.name)(pool)), 201 if made else 200)


@endpoint("GET", "/work_pools/{pool}", answer=wire.WorkPool, needs=Need.VIEW)
def read(call: Call[None], pool: str) -> wire.WorkPool:
    """One work pool."""
    found = call.plane.pools.view(pool).pool
    answer = render.pool(found, call.plane.readiness.standings(pool)(found))
    if found.concurrency_limit is not None:
        slots = call.plane.limits.read(pool_limit(pool))
        answer.active_slots = len(slots.holders)
    return answer


@endpoint(
    "PATCH",
    "/work_pools/{pool}",
    body=wire.WorkPoolUpdate,
    needs=Need.DEPLOY,
    eased=frozenset({"is_paused", "concurrency_limit"}),
)
def update(call: Call[wire.WorkPoolUpdate], pool: str) -> None:
    """Change the members given."""
    changes = given(
        call.body, leave_out={"storage_configuration"}, not_null={"is_paused", "base_job_template"}
    )
    call.plane.pools.update(pool, changes)


@endpoint("DELETE", "/work_pools/{pool}", query=wire.DeleteOptions, needs=Need.DEPLOY)
def delete(call: Call[None], pool: str) -> None:
    """Delete a work pool with its queues."""
    call.plane.pools.delete(pool, fate(call.query))


@endpoint(
    "POST",
    "/work_pools/filter",
    body=wire.WorkPoolList,
    answer=list[wire.WorkPool],
    needs=Need.VIEW,
)
def page(call: Call[wire.WorkPoolList]) -> Page:
    """A page of work pools, by name."""
    pools = call.plane.pools
    names = only_names(call.body.work_pools)
    if names is not None:
        found, cursor = pools.by_names(names)[call.body.offset :][: call.body.limit], None
    else:
        found, cursor = pools.names(call.body.cursor, call.body.limit, call.body.offset)
    standing = call.plane.readiness.standings()
    places = [pool.name for pool in found] if names is None else None
    return Page([render.pool(pool, standing(pool)) for pool in found], cursor, places)


@endpoint(
    "POST",
    "/work_pools/{pool}/get_scheduled_flow_runs",
    body=run_wire.ScheduledRunsRequest,
    answer=list[run_wire.ScheduledRun],
    needs=Need.VIEW,
)
def scheduled(call: Call[run_wire.ScheduledRunsRequest], pool: str) -> Page:
    """Runs that wait in a pool, in the order in which they will be claimed."""
    call.plane.pools.view(pool)
    body = call.body
    rows = call.plane.run_lists.waiting(pool, body.work_queue_names, body.scheduled_before, body.limit)
    rows = [run for run in rows if body.scheduled_after is None or run.due >= body.scheduled_after]
    now = call.plane.ports.clock()
    return Page([render.waiting(run, now) for run in rows], is_head=True)


@endpoint(
    "POST",
    "/work_pools/{pool}/concurrency_status",
    body=wire.Page,
    answer=wire.ConcurrencyStatus,
    needs=Need.VIEW,
)
def concurrency_status(call: Call[wire.Page], pool: str) -> wire.ConcurrencyStatus:
    """A pool's limit and the runs that hold it."""
    found = call.plane.pools.view(pool).pool
    limited = found.concurrency_limit is not None
    holders = sorted(call.plane.limits.read(pool_limit(pool)).holders) if limited else []
    return wire.ConcurrencyStatus(
        concurrency_limit=found.concurrency_limit, active_slots=len(holders), flow_run_ids=holders
    )


@endpoint(
    "POST",
    "/work_pools/{pool}/skip_late",
    answer=system_wire.Skipped,
    status=200,
    needs=Need.OPERATE,
)
def skip_late(call: Call[None], pool: str) -> system_wire.Skipped:
    """End the late runs of a pool as Skipped."""
    skipped, more = call.plane.lateness.skip_in_pool(pool)
    return system_wire.Skipped(skipped=skipped, more=more)


@endpoint(
    "POST",
    "/work_pools/{pool}/misfits/filter",
    body=wire.MisfitList,
    answer=list[wire.Misfit],
    needs=Need.VIEW,
)
def page_of_misfits(call: Call[wire.MisfitList], pool: str) -> Page:
    """The deployments of a pool whose job variables do not fit its job template, of those looked at."""
    body = call.body
    at = call.plane.pools.view(pool).pool
    found, cursor = misfits(call.plane.ports, at, body.cursor, body.offset + body.limit)
    rows = [
        wire.Misfit(deployment_id=deployment.id, deployment=deployment.full_name, problem=problem)
        for deployment, problem in found
    ]
    return Page(rows[body.offset :], cursor)
