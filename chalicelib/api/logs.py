"""Routes of log records."""

from __future__ import annotations

import re

from chalicelib.api import cursors, render
from chalicelib.api.endpoint import Call, endpoint
from chalicelib.api.kept import kept_message
from chalicelib.api.pages import Page
from chalicelib.api.requests import MAX_BATCH
from chalicelib.domain.access import Need
from chalicelib.domain.errors import FieldProblem, Invalid
from chalicelib.domain.logs import Record
from chalicelib.services.logs import LogQuery
from headrace.contract import logs as wire

PLACE = re.compile(r"LOG#\d{6}#[-:.0-9TZ]{27}#[0-9a-f]+@\d{6}")
"""A record's place: its chunk, and its number in it."""


@endpoint("POST", "/logs", body=list[wire.LogCreate], status=201, max_body=MAX_BATCH, needs=Need.OPERATE)
def create(call: Call[list[wire.LogCreate]]) -> Page:
    """Store records that belong to a flow run; others are answered and dropped, as Prefect does."""
    rows = [
        (
            row.flow_run_id,
            Record(row.timestamp, row.level, row.name, kept_message(row.message), row.task_run_id),
        )
        for row in call.body
        if row.flow_run_id is not None
    ]
    call.plane.logs.store(rows)
    return Page([])


@endpoint("POST", "/logs/filter", body=wire.LogList, answer=list[wire.Log], needs=Need.VIEW)
def page(call: Call[wire.LogList]) -> Page:
    """A page of the records of one run."""
    body = call.body
    wanted = body.logs or wire.LogFilter()
    runs = wanted.flow_run_id.any_ if wanted.flow_run_id else None
    if runs is None or len(runs) != 1:
        problem = FieldProblem("logs.flow_run_id.any_", "must name one flow run", "one id")
        raise Invalid("Records are kept by run: name one flow run.", errors=[problem])
    level, times = wanted.level or wire.LevelFilter(), wanted.timestamp or wire.LogTimeRange()
    tasks = wanted.task_run_id.any_ if wanted.task_run_id else None
    rows, cursor = call.plane.logs.page(
        LogQuery(
            run=runs[0],
            limit=body.limit,
            after_place=cursors.check(body.cursor, PLACE),
            skip=body.offset,
            forward=body.sort is wire.LogSort.TIMESTAMP_ASC,
            level_from=level.ge_,
            level_to=level.le_,
            since=times.after_,
            until=times.before_,
            task_run_ids=frozenset(tasks) if tasks is not None else None,
        )
    )
    return Page([render.log(row) for row in rows], cursor, [row.place for row in rows])
