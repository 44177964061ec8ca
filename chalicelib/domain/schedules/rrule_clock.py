"""Hourly and finer rules, day by day, by arithmetic.

dateutil would step through every hour or second of days that a rule does not choose, which takes seconds
for rules that seldom or never run. Here the hits of a day are computed from the distance to the rule's
start; as they depend on nothing but that distance modulo the interval, a day without any tells of all days
like it, and a search for what never runs is soon over.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from math import gcd

from chalicelib.domain.schedules import rrule_values as values
from chalicelib.domain.schedules.rrule_values import Rule

_DAY = 86400
_LONGEST_SEARCH = timedelta(days=50 * 366)
_UNITS = {values.HOURLY: 3600, values.MINUTELY: 60, values.SECONDLY: 1}


def step(rule: Rule) -> int:
    """Seconds from one hour, minute or second of the rule to the next."""
    return rule.interval * _UNITS[rule.freq]


def times(rule: Rule, begin: datetime, start: datetime) -> Iterator[datetime]:
    """Times of a rule that begins at `begin`, from shortly before `start` on; ends if none follows in 50 years."""
    offsets = _offsets(rule, begin)
    unit, distance = _UNITS[rule.freq], step(rule)
    origin = begin - timedelta(seconds=_second_of_day(begin) % unit)
    likeness = distance // gcd(distance, _DAY)
    barren: set[int] = set()
    cursor = max(begin, start)
    last = cursor + _LONGEST_SEARCH
    while offsets and cursor < last:
        midnight = datetime.combine(cursor.date(), time())
        phase = (midnight.date() - origin.date()).days % likeness
        if phase not in barren and _is_chosen(rule, cursor.date()):
            since = max(0, _second_of_day(cursor) - unit + 1)
            gone = (midnight - origin) // timedelta(seconds=1) + since
            periods = _periods(rule, since + -gone % distance)
            found = False
            for period in periods:
                found = True
                walls = (midnight + timedelta(seconds=period + offset) for offset in offsets)
                yield from (wall for wall in walls if wall >= begin)
            if found:
                last = midnight + _LONGEST_SEARCH
            elif since == 0:
                barren.add(phase)
        cursor = midnight + timedelta(days=1)


def _second_of_day(wall: datetime) -> int:
    return wall.hour * 3600 + wall.minute * 60 + wall.second


def _offsets(rule: Rule, begin: datetime) -> list[int]:
    """The seconds into each period (hour, minute or second) at which the rule runs."""
    minutes: tuple[int, ...] = (0,)
    seconds: tuple[int, ...] = (0,)
    if rule.freq == values.HOURLY:
        minutes = rule.numbers("BYMINUTE") or (begin.minute,)
    if rule.freq in {values.HOURLY, values.MINUTELY}:
        seconds = rule.numbers("BYSECOND") or (begin.second,)
    offsets = [minute * 60 + second for minute in minutes for second in seconds]
    positions = rule.numbers("BYSETPOS")
    if positions is None:
        return offsets
    size = len(offsets)
    return [offsets[index] for index in range(size) if {index + 1, index - size} & set(positions)]


def _periods(rule: Rule, first: int) -> Iterator[int]:
    """The seconds of a day at which allowed periods begin; the first of all would begin at `first`.

    Either all periods of the day are tried or all allowed hours and minutes, whichever are fewer.
    """
    hours = rule.numbers("BYHOUR") or tuple(range(24))
    minutes = (rule.numbers("BYMINUTE") if rule.freq != values.HOURLY else None) or tuple(range(60))
    seconds = (rule.numbers("BYSECOND") if rule.freq == values.SECONDLY else None) or tuple(range(60))
    if _DAY // step(rule) <= len(hours) * len(minutes):
        for second in range(first, _DAY, step(rule)):
            if second // 3600 in hours and second // 60 % 60 in minutes and second % 60 in seconds:
                yield second
        return
    for window in (hour * 3600 + minute * 60 for hour in hours for minute in minutes):
        for second in range(window + (first - window) % step(rule), window + 60, step(rule)):
            if second >= first and second % 60 in seconds:
                yield second


def _is_chosen(rule: Rule, day: date) -> bool:
    """Whether the parts that speak of dates allow this one; those not given allow all."""
    if rule.days and (day.weekday(), 0) not in rule.days:
        return False
    months, of_month, of_year = (rule.numbers(name) for name in ("BYMONTH", "BYMONTHDAY", "BYYEARDAY"))
    if months is not None and day.month not in months:
        return False
    if of_month is not None and {day.day, day.day - _last_of_month(day).day - 1}.isdisjoint(of_month):
        return False
    if of_year is None:
        return True
    number, length = (each.timetuple().tm_yday for each in (day, date(day.year, 12, 31)))
    return not {number, number - length - 1}.isdisjoint(of_year)


def _last_of_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
