"""Routes of schedules."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.api import render, render_work
from chalicelib.api.endpoint import Call, endpoint
from chalicelib.api.pages import Page
from chalicelib.api.queries import given
from chalicelib.api.wishes import plain, spec, wishes
from chalicelib.domain.access import Need
from chalicelib.domain.errors import FieldProblem, Invalid
from chalicelib.domain.schedules import occurrences, parse
from chalicelib.services.numbering import By
from headrace.contract import schedules as wire

_PATH = "/deployments/{deployment_id}/schedules"
_ONE = _PATH + "/{schedule_id}"
AHEAD = timedelta(days=366 * 5)
"""How far a preview looks that names no end."""
BACK = timedelta(days=1)
"""How far back a verification looks that names no beginning."""
_NOT_NULL = {"schedule", "active", "parameters", "slug", "jitter", "catchup", "overlap", "dst"}


@endpoint("GET", _PATH, answer=list[wire.Schedule], needs=Need.VIEW)
def page(call: Call[None], deployment_id: UUID) -> Page:
    """The schedules of a deployment."""
    deployment = call.plane.deployments.read(deployment_id)
    return Page([render.schedule(record) for record in call.plane.deployments.schedules(deployment.id)])


@endpoint(
    "POST",
    _PATH,
    body=list[wire.ScheduleCreate],
    answer=list[wire.Schedule],
    status=201,
    needs=Need.DEPLOY,
)
def create(call: Call[list[wire.ScheduleCreate]], deployment_id: UUID) -> Page:
    """Add schedules; one that names `replaces` takes that one's place."""
    made = call.plane.schedules.add(deployment_id, wishes(call.body), By(call.author))
    return Page([render.schedule(record) for record in made])


@endpoint("PATCH", _ONE, body=wire.ScheduleUpdate, needs=Need.DEPLOY, eased=frozenset({"active"}))
def update(call: Call[wire.ScheduleUpdate], deployment_id: UUID, schedule_id: UUID) -> None:
    """Change the members given."""
    values = {name: plain(value) for name, value in given(call.body, not_null=_NOT_NULL).items()}
    if call.body.schedule is not None:
        values["spec"] = spec(call.body.schedule)
    values.pop("schedule", None)
    call.plane.schedules.update(deployment_id, schedule_id, values, By(call.author))


@endpoint("DELETE", _ONE, needs=Need.DEPLOY)
def delete(call: Call[None], deployment_id: UUID, schedule_id: UUID) -> None:
    """Remove a schedule, with its runs that have not started."""
    call.plane.schedules.delete(deployment_id, schedule_id, By(call.author))


@endpoint("GET", _ONE + "/upcoming", answer=list[wire.Occurrence], query=wire.Window, needs=Need.VIEW)
def upcoming(call: Call[None], deployment_id: UUID, schedule_id: UUID) -> Page:
    """Times of a schedule in a period (`after`, `before`, at most `limit`); computed, nothing is made."""
    record = call.plane.schedules.find(deployment_id, schedule_id)
    now = call.plane.ports.clock()
    after, before = _period(call, now, max(now, call.query.after or now) + AHEAD)
    times = call.plane.occurrences.upcoming(record, after, before, call.query.limit)
    return Page([wire.Occurrence(due=time, schedule_slug=record.slug) for time in times])


@endpoint("GET", _ONE + "/verify", answer=list[wire.Occurrence], query=wire.Period, needs=Need.VIEW)
def verify(call: Call[None], deployment_id: UUID, schedule_id: UUID) -> Page:
    """Every occurrence of a period (`after`, `before`, the first `limit`) with its one run."""
    record = call.plane.schedules.find(deployment_id, schedule_id)
    now = call.plane.ports.clock()
    before = call.query.before or now
    after, before = _period(call, before - BACK, before)
    rows = call.plane.occurrences.verify(record, after, before, call.query.limit)
    return Page(
        [
            wire.Occurrence(
                due=row.instant,
                schedule_slug=record.slug,
                flow_run_id=row.run.id if row.run else None,
                state_type=row.run.state.type if row.run else None,
                state_name=render_work.state(row.run, row.run.state, now).name if row.run else None,
            )
            for row in rows
        ]
    )


@endpoint(
    "POST",
    "/schedules/preview",
    body=wire.SchedulePreview,
    answer=wire.ScheduleTimes,
    status=200,
    needs=Need.VIEW,
)
def preview(call: Call[wire.SchedulePreview]) -> wire.ScheduleTimes:
    """The next times of a schedule that nobody has made yet; a wrong one is refused as when it is made."""
    wanted = parse(spec(call.body.schedule), dst=plain(call.body.dst))
    after = call.body.after or call.plane.ports.clock()
    times = occurrences(wanted, after, after + AHEAD, limit=call.body.limit)
    return wire.ScheduleTimes(times=times, timezone=wanted.timezone)


def _period(call: Call[None], first: datetime, last: datetime) -> tuple[datetime, datetime]:
    """The period asked for, else from `first` to `last`."""
    after, before = call.query.after or first, call.query.before or last
    if after > before:
        problem = FieldProblem("query.before", "lies before `after`", "a later time")
        raise Invalid("The period ends before it begins.", errors=[problem])
    return after, before
