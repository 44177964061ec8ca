"""The route that makes many runs of a deployment."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from chalicelib.api import render_work
from chalicelib.api.endpoint import Call, Found, endpoint
from chalicelib.domain.access import Need
from chalicelib.services.bulk import Made, Row, key_of
from chalicelib.services.runs import Wanted
from headrace.contract import bulk_runs as wire

MAX_BODY = 5_000_000
"""Bytes of a request: Lambda takes 6 MB at once, of which the event around the body is a part."""


@endpoint(
    "POST",
    "/deployments/{deployment_id}/create_flow_runs",
    body=wire.BulkCreate,
    answer=wire.BulkAnswer,
    status=201,
    max_body=MAX_BODY,
    needs=Need.OPERATE,
)
def create(call: Call[wire.BulkCreate], deployment_id: UUID) -> Found:
    """Make up to 1,000 runs; 200 when all of them were there already."""
    body = call.body
    rows = [_row(call, number, row) for number, row in enumerate(body.flow_runs)]
    made = call.plane.bulk.create(deployment_id, rows)
    now = call.plane.ports.clock()
    count = sum(one.made for one in made)
    shown = [_shown(one, now) for one in made]
    answer = wire.BulkAnswer(made=count, found=len(made) - count, flow_runs=shown)
    return Found(answer, 201 if count else 200)


def _row(call: Call[wire.BulkCreate], number: int, row: wire.BulkRun) -> Row:
    body = call.body
    wanted = Wanted(
        name=row.name,
        parameters=row.parameters,
        tags=row.tags,
        labels=row.labels or {},
        job_variables=row.job_variables or {},
        caller=call.caller,
        due=row.scheduled_time,
        idempotency_key=key_of(body.idempotency_key, row.idempotency_key, number),
        work_queue_name=row.work_queue_name,
        enforce_schema=body.enforce_parameter_schema,
        traceparent=call.traceparent,
    )
    occurrence = row.occurrence
    return Row(wanted, (occurrence.schedule_slug, occurrence.time) if occurrence else None)


def _shown(made: Made, now: datetime) -> wire.BulkRow:
    run = made.run
    return wire.BulkRow(
        id=run.id,
        name=run.name,
        outcome=wire.Outcome.MADE if made.made else wire.Outcome.FOUND,
        state_type=run.state.type,
        state_name=render_work.state(run, run.state, now).name,
    )
