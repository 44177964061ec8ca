"""The instants at which a schedule runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from chalicelib.domain.schedules import cron, rrule_walk, zones
from chalicelib.domain.schedules.spec import Kind, ScheduleSpec, recurrence

_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_END = datetime(2400, 1, 1, tzinfo=UTC)
"""Nothing runs before 1970 or from the year 2400 on."""

_LONGEST_SEARCH = timedelta(days=60 * 366)


def occurrences(spec: ScheduleSpec, after: datetime, until: datetime, limit: int = 1000) -> list[datetime]:
    """The instants in UTC later than `after`, up to and including `until`, the first `limit` of them.

    Cron and rrule speak of the clock on the wall of their zone. Where that clock is put forward or back,
    the option `dst` decides (see `zones.Dst`); several times missing in one jump become one run.

    A schedule that runs in every hour of the day is the exception: `*/10 * * * *` means each ten minutes,
    also while an hour is repeated. It runs whenever the clock shows one of its times, whatever `dst` says.

    Intervals are elapsed time from their anchor on; no clock on a wall matters to them.
    """
    found: list[datetime] = []
    for instant in _instants(spec, after):
        if instant > until or len(found) >= limit:
            break
        found.append(instant)
    return found


def next_after(spec: ScheduleSpec, moment: datetime) -> datetime | None:
    """The first instant later than `moment`, or None if there is none within sixty years."""
    return next(_instants(spec, moment), None)


def runs_at(spec: ScheduleSpec, instant: datetime) -> bool:
    """Whether a schedule has an occurrence at this very moment."""
    return next_after(spec, instant - timedelta(microseconds=1)) == instant


def _instants(spec: ScheduleSpec, after: datetime) -> Iterator[datetime]:
    after = max(after.astimezone(UTC), _FIRST - timedelta(microseconds=1))
    if after >= _END:
        return iter(())
    instants = _elapsed(spec, after) if spec.kind is Kind.INTERVAL else _by_wall_clock(spec, after)
    return takewhile(lambda instant: instant < _END, instants)


def _elapsed(spec: ScheduleSpec, after: datetime) -> Iterator[datetime]:
    count = max(0, (after - spec.anchor) // spec.every + 1)
    while True:
        yield spec.anchor + count * spec.every
        count += 1


def _by_wall_clock(spec: ScheduleSpec, after: datetime) -> Iterator[datetime]:
    zone = ZoneInfo(spec.timezone)
    start = zones.earliest_wall(zone, after).replace(microsecond=0)
    if spec.kind is Kind.CRON:
        expression = cron.read(spec.expression, day_or=spec.day_or)
        walls: Iterator[datetime] = expression.walls(start)
        every_hour = expression.every_hour
    else:
        rules = recurrence(spec.expression, spec.timezone)
        walls = rrule_walk.walls(rules, start)
        every_hour = rrule_walk.every_hour(rules)
    # A schedule may name only times that `skip` drops, each year anew: the search must end all the same.
    within_reach = takewhile(lambda wall: wall - start < _LONGEST_SEARCH, walls)
    reading = zones.AS_SHOWN if every_hour else zones.READINGS[spec.dst]
    return (instant for instant in zones.instants(within_reach, zone, reading) if instant > after)
