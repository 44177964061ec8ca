"""Periods in the zone of a schedule: read from what people type, and its moments shown."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from headrace.cli.errors import BadUsage, CliError
from headrace.cli.times import parse_moment

if TYPE_CHECKING:
    from headrace.contract.schedules import Schedule

_TZID = re.compile(r"TZID=([^:;\s]+)")


def zone_of(schedule: Schedule) -> ZoneInfo:
    """The zone that a schedule's expression is read in, as the control plane reads it."""
    named = schedule.schedule.timezone
    rule = _TZID.search(getattr(schedule.schedule, "rrule", ""))
    name = named or (rule.group(1) if rule else "UTC")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise CliError(
            f"This machine does not know the time zone {name!r} of schedule {schedule.slug!r}.",
            "Bring its list up to date: pip install --upgrade tzdata",
        ) from None


def read_period(start: str, end: str, now: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """From `--from` to `--to`, both included and past; a mere date begins or ends with that whole day there."""
    first, last = parse_moment(start, "--from", now, zone), parse_moment(end, "--to", now, zone)
    if last > now:
        raise BadUsage("--to lies in the future.", "A schedule makes the runs to come by itself.")
    last = min(_end_of_day(end, last, zone), now)
    if last < first:
        raise BadUsage("The period ends before it begins.", "Give a --to that is later than --from.")
    return first, last


def _end_of_day(text: str, begin: datetime, zone: tzinfo) -> datetime:
    """The last instant of the day that `text` is, if it is a mere date; else `begin`."""
    try:
        after = date.fromisoformat(text.strip()) + timedelta(days=1)
    except (ValueError, OverflowError):
        return begin
    end = datetime(after.year, after.month, after.day, tzinfo=zone).astimezone(UTC)
    return end - timedelta(microseconds=1)


def show_there(moment: datetime, zone: tzinfo) -> str:
    """A time in that zone with its offset, to the second, as `--from` takes it."""
    return moment.astimezone(zone).isoformat(sep=" ", timespec="seconds")
