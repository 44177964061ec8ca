"""Routes by which a worker asks for the code of a run in its hands."""

from __future__ import annotations

from uuid import UUID

from chalicelib.api import render
from chalicelib.api.endpoint import Call, Found, endpoint
from chalicelib.api.requests import MAX_BATCH
from chalicelib.api.whole_runs import whole
from chalicelib.domain.access import Need
from chalicelib.services.children import Parent
from chalicelib.services.runs import Wanted
from headrace.contract import children as wire
from headrace.contract import flow_runs as run_wire

_PATH = "/work_pools/{pool}/workers/{worker}"


@endpoint(
    "POST",
    _PATH + "/create_flow_run",
    body=wire.ChildRunCreate,
    answer=run_wire.FlowRun,
    status=201,
    max_body=MAX_BATCH,
    needs=Need.WORK,
)
def start(call: Call[wire.ChildRunCreate], pool: str, worker: str) -> Found:
    """Start a run for the code of another one; 200 when that call has started it before."""
    body = call.body
    wanted = Wanted(
        name=body.name,
        parameters=body.parameters,
        tags=body.tags,
        labels=body.labels or {},
        job_variables=body.job_variables or {},
        caller=call.caller,
        due=body.scheduled_time,
        idempotency_key=body.idempotency_key,
    )
    parent = Parent(body.session, body.run, body.attempt)
    run, made = call.plane.children.start(
        (pool, worker), parent, body.deployment, body.call, wanted, linked=body.as_child
    )
    return Found(render.run(run, call.plane.ports.clock()), 201 if made else 200)


@endpoint(
    "GET",
    _PATH + "/flow_runs/{run_id}",
    answer=run_wire.FlowRun,
    query=wire.SeenBy,
    needs=Need.WORK,
)
def read(call: Call[None], pool: str, worker: str, run_id: UUID) -> run_wire.FlowRun:
    """One run, for its worker or for the code of another one."""
    asked = call.query
    run = call.plane.children.read((pool, worker), asked.session, run_id, asked.idempotency_key)
    return whole(call, run) if asked.parameters else render.run(run, call.plane.ports.clock())
