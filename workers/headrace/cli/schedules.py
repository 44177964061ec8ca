"""Reads a schedule from the options of a command, and writes one in a few words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headrace.cli.errors import BadUsage
from headrace.cli.times import parse_duration, parse_moment

if TYPE_CHECKING:
    from headrace.contract.schedules import Schedule, ScheduleCreate

Cron = Annotated[
    str | None,
    typer.Option("--cron", help="A cron expression, as in '0 9 * * mon-fri'.", metavar="EXPRESSION"),
]
Interval = Annotated[
    str | None,
    typer.Option("--interval", help="A time between runs, as in 90s, 15m or 2h.", metavar="DURATION"),
]
RRule = Annotated[
    str | None, typer.Option("--rrule", help="An RFC 5545 rule, as in FREQ=WEEKLY;BYDAY=MO.", metavar="RULE")
]
TimeZone = Annotated[
    str | None,
    typer.Option("--timezone", help="IANA time zone of the schedule; UTC if left out.", metavar="ZONE"),
]


def read_times(
    cron: str | None, interval: str | None, rrule: str | None, timezone: str | None, anchor: str | None = None
) -> dict[str, Any] | None:
    """The inner schedule that the options ask for, or nothing. The control plane checks expression and zone."""
    named = {"--cron": cron, "--interval": interval, "--rrule": rrule}
    used = [option for option, text in named.items() if text is not None]
    if len(used) > 1:
        raise BadUsage(
            f"{' and '.join(used)} contradict each other.", "Give one of --cron, --interval and --rrule."
        )
    if not used and (timezone is not None or anchor is not None):
        option = "--timezone" if timezone is not None else "--anchor"
        raise BadUsage(
            f"{option} says nothing without a schedule.", "Give one of --cron, --interval and --rrule too."
        )
    if anchor is not None and interval is None:
        raise BadUsage("--anchor belongs to --interval alone.", "Leave it out, or give --interval.")
    zone = {} if timezone is None else {"timezone": timezone}
    if cron is not None:
        return {"cron": cron} | zone
    if rrule is not None:
        return {"rrule": rrule} | zone
    return None if interval is None else _interval(interval, anchor) | zone


def _interval(text: str, anchor: str | None) -> dict[str, Any]:
    seconds = parse_duration(text, "--interval").total_seconds()
    if seconds < 1:
        raise BadUsage(
            f"--interval: {text!r} is shorter than a second.", "A schedule runs at most once a second."
        )
    seconds = int(seconds) if seconds.is_integer() else seconds
    if anchor is None:
        return {"interval": seconds}
    return {"interval": seconds, "anchor_date": parse_moment(anchor, "--anchor", datetime.now(UTC))}


def read_schedule(times: dict[str, Any], **options: Any) -> ScheduleCreate:
    """The request body for a new schedule."""
    from headrace.cli.connect import checked
    from headrace.contract.schedules import CronSchedule, IntervalSchedule, RRuleSchedule, ScheduleCreate

    kind = CronSchedule if "cron" in times else IntervalSchedule if "interval" in times else RRuleSchedule
    return checked(ScheduleCreate, schedule=checked(kind, **times), **options)


def describe(schedule: Schedule) -> str:
    """A schedule in a few words."""
    inner = schedule.schedule.model_dump()
    zone = f" ({inner['timezone']})" if inner.get("timezone") else ""
    if "cron" in inner:
        return f"cron {inner['cron']}{zone}"
    if "interval" in inner:
        return f"every {exact(float(inner['interval']))}{zone}"
    return f"rrule {inner['rrule']}{zone}"


def exact(seconds: float) -> str:
    """Seconds in the units that one would type, as in 2h30m."""
    if seconds % 1:
        return f"{seconds:g}s"
    parts = []
    seconds = int(seconds)
    for unit, length in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
        number, seconds = divmod(seconds, length)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts)
