"""One schedule as a value, made from the wire's form; every expression is checked here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from chalicelib.domain.errors import FieldProblem, Invalid
from chalicelib.domain.schedules import cron, rrule_text, rrule_walk, zones
from chalicelib.domain.schedules.mistakes import Mistake, invalid
from chalicelib.domain.schedules.rrule_values import EXAMPLE, RuleSet
from chalicelib.domain.schedules.zones import Dst

DEFAULT_ANCHOR = datetime(2020, 1, 1, tzinfo=UTC)
MAX_JITTER = 3600.0

_MAX_INTERVAL = 10 * 366 * 86400.0
_MEMBERS = {
    "cron": ("cron", "timezone", "day_or"),
    "interval": ("interval", "anchor_date", "timezone"),
    "rrule": ("rrule", "timezone"),
}


class Kind(StrEnum):
    """The three ways to say when."""

    CRON = "cron"
    INTERVAL = "interval"
    RRULE = "rrule"


@dataclass(frozen=True, slots=True)
class ScheduleSpec:
    """When a schedule runs. `expression` belongs to cron and rrule, `every` and `anchor` to interval.

    Made by `parse` alone, so that an instance is known to be right. `jitter` is in seconds.
    """

    kind: Kind
    expression: str = ""
    every: timedelta = timedelta(0)
    anchor: datetime = DEFAULT_ANCHOR
    timezone: str = "UTC"
    day_or: bool = True
    jitter: float = 0.0
    dst: Dst = Dst.FIRST


def parse(
    schedule: Mapping[str, object], *, jitter: object = 0, dst: object = Dst.FIRST, path: str = "schedule"
) -> ScheduleSpec:
    """Make a schedule from `{"cron": ...}`, `{"interval": ...}` or `{"rrule": ...}` and its options.

    Raises:
        Invalid: code `invalid_schedule`; the message shows the place of the mistake in the expression,
            the hint a right example, and `errors` names the member under `path`.
    """
    kind = _kind(schedule, path)
    timezone = _timezone(schedule.get("timezone"), f"{path}.timezone")
    spec = ScheduleSpec(
        kind,
        timezone=timezone or "UTC",
        jitter=_number(jitter, "jitter", 0, MAX_JITTER),
        dst=_choice(dst),
    )
    if kind is Kind.INTERVAL:
        every = _number(schedule["interval"], f"{path}.interval", 1, _MAX_INTERVAL)
        anchor = _anchor(schedule.get("anchor_date"), f"{path}.anchor_date")
        return replace(spec, every=timedelta(seconds=every), anchor=anchor)
    text = _text(schedule[kind], f"{path}.{kind}")
    try:
        if kind is Kind.RRULE:
            return replace(spec, expression=text, timezone=recurrence(text, timezone).timezone)
        day_or = schedule.get("day_or") is not False
        cron.read(text, day_or=day_or)
        return replace(spec, expression=text, day_or=day_or)
    except Mistake as mistake:
        raise invalid(mistake, text, f"{path}.{kind}") from None


@lru_cache(maxsize=1024)
def recurrence(text: str, timezone: str | None) -> RuleSet:
    """The checked rules of an rrule schedule; refused if one of them never runs."""
    rules = rrule_text.read(text, timezone)
    if not all(rrule_walk.ever_runs(rule, rules.start) for rule in rules.rules):
        what = "no time matches a rule from DTSTART on: it never runs"
        raise Mistake(what, 0, len(text), expected="a rule that runs at least once", example=EXAMPLE)
    return rules


def describe(spec: ScheduleSpec) -> str:
    """A short text for people, such as `cron 0 4 * * * (Europe/Berlin)`."""
    if spec.kind is Kind.INTERVAL:
        anchor = "" if spec.anchor == DEFAULT_ANCHOR else f" from {spec.anchor:%Y-%m-%dT%H:%M:%SZ}"
        return f"every {_duration(spec.every)}{anchor}"
    text = " ".join(spec.expression.split())
    shown = text if len(text) <= 100 else text[:97] + "..."
    return f"{spec.kind} {shown} ({spec.timezone})"


def _duration(every: timedelta) -> str:
    seconds = every.total_seconds()
    words = []
    for name, size in (("d", 86400), ("h", 3600), ("min", 60)):
        whole, seconds = divmod(seconds, size)
        words += [f"{whole:.0f} {name}"] if whole else []
    words += [f"{seconds:g} s"] if seconds else []
    return " ".join(words)


def _kind(schedule: Mapping[str, object], path: str) -> Kind:
    given = [kind for kind in Kind if schedule.get(kind) is not None]
    if len(given) != 1:
        found = " and ".join(given) or "none of them"
        raise _refused(path, f"one of cron, interval and rrule is needed, found {found}", "one of the three")
    for member, value in schedule.items():
        if value is not None and member not in _MEMBERS[given[0]]:
            what = f"{member!r} does not belong to a schedule of kind {given[0]}"
            raise _refused(f"{path}.{member}", what, ", ".join(_MEMBERS[given[0]]))
    return given[0]


def _timezone(value: object, path: str) -> str | None:
    if value is None:
        return None
    text = _text(value, path)
    try:
        return zones.check(text)
    except Mistake as mistake:
        raise invalid(mistake, text, path) from None


def _text(value: object, path: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _refused(path, f"{value!r:.100} is not a text with something in it", "a text")
    return value


def _number(value: object, path: str, low: float, high: float) -> float:
    expected = f"a number of seconds from {low:g} to {high:g}"
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise _refused(path, f"{value!r:.100} is not a number", expected)
    if not low <= value <= high:
        raise _refused(path, f"{value:g} is not {expected}", expected)
    return float(value)


def _anchor(value: object, path: str) -> datetime:
    if value is None:
        return DEFAULT_ANCHOR
    expected = "a time such as 2025-01-31T09:00:00Z"
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(_text(value, path))
    except ValueError:
        raise _refused(path, f"{value!r:.100} is not a time", expected) from None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if not 1900 <= moment.year < 2400:
        raise _refused(path, f"the year {moment.year} is too far away", "a year from 1900 to 2399")
    return moment


def _choice(value: object) -> Dst:
    try:
        return Dst(value)  # type: ignore[arg-type]
    except ValueError:
        known = ", ".join(Dst)
        raise _refused("dst", f"{value!r:.100} is not one of {known}", f"one of {known}") from None


def _refused(path: str, what: str, expected: str) -> Invalid:
    return Invalid(
        f"{path}: {what}",
        code="invalid_schedule",
        hint=f"Expected {expected}.",
        errors=(FieldProblem(path, what, expected),),
    )
