"""The wall-clock times of a recurrence, from any moment on, without walking there from its start.

dateutil walks every rule from its start, and looks for a match until the year 9999. Two exact
transformations keep that short.

*Whole periods.* Once COUNT is turned into the time it ends at, the start of a rule matters only for the
phase of INTERVAL and for the parts that it stands in for (BYHOUR, BYMONTHDAY...). With those written out,
a rule that starts at the beginning of a later period (year, month, week from WKST, day, hour...), a whole
multiple of INTERVAL periods away, yields the very same times from there on.

*Whole cycles.* The Gregorian calendar repeats every 400 years, weekdays and week numbers included
(146,097 days are 20,871 weeks). Rules are walked 7,600 years later and the times brought back, so that
an unsuccessful search ends after less than 400 years. No time from the year 2400 on is found.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice

from dateutil import rrule as dateutil

from chalicelib.domain.schedules import rrule_values as values
from chalicelib.domain.schedules.rrule_values import Rule, RuleSet

_CYCLES = 7600
_LAST_YEAR = 2399
_LONGEST_SEARCH = timedelta(days=50 * 366)
_DAY = timedelta(days=1)
_UNITS = {
    values.WEEKLY: timedelta(weeks=1),
    values.DAILY: _DAY,
    values.HOURLY: timedelta(hours=1),
    values.MINUTELY: timedelta(minutes=1),
    values.SECONDLY: timedelta(seconds=1),
}
_DATE_PARTS = ("BYMONTH", "BYYEARDAY", "BYMONTHDAY")


def walls(rules: RuleSet, start: datetime) -> Iterator[datetime]:
    """Wall-clock times from `start` on, ascending, each once."""
    streams = [_walk(rule, rules.start, start) for rule in rules.rules]
    streams.append(wall for wall in rules.added if wall >= start)
    last: datetime | None = None
    for wall in heapq.merge(*streams):
        if wall != last and wall not in rules.excluded and wall.date() not in rules.excluded_days:
            yield wall
        last = wall


def ever_runs(rule: Rule, begin: datetime) -> bool:
    """Whether a rule that starts at `begin` has any time at all."""
    return next(_walk(rule, begin, begin), None) is not None


def every_hour(rules: RuleSet) -> bool:
    """Whether the rules run at least once in each hour of a day on which they run."""
    return bool(rules.rules) and all(_is_every_hour(rule) for rule in rules.rules)


def _is_every_hour(rule: Rule) -> bool:
    if rule.freq < values.HOURLY or rule.interval * _UNITS[rule.freq] > timedelta(hours=1):
        return False
    return len(rule.numbers("BYHOUR") or range(24)) == len(range(24))


def _walk(rule: Rule, begin: datetime, start: datetime) -> Iterator[datetime]:
    end = _end(rule, begin)
    if start.year > _LAST_YEAR or (end is not None and start > end):
        return
    for wall in _times(rule, begin, start):
        if end is not None and wall > end:
            return
        if wall >= start:
            yield wall


@lru_cache(maxsize=1024)
def _end(rule: Rule, begin: datetime) -> datetime | None:
    """The last time that the rule allows, or None."""
    if rule.count is None:
        return rule.until
    times = list(islice(_times(rule, begin, begin), rule.count))
    return times[-1] if len(times) == rule.count else None


def _times(rule: Rule, begin: datetime, start: datetime) -> Iterator[datetime]:
    """Times from `start` or a little earlier on, COUNT and UNTIL left aside."""
    if rule.freq >= values.HOURLY and (rule.days or any(rule.numbers(name) for name in _DATE_PARTS)):
        return _times_on_days(rule, begin, max(start, begin))
    return _engine(rule, begin, start)


def _times_on_days(rule: Rule, begin: datetime, cursor: datetime) -> Iterator[datetime]:
    """Times of an hourly or finer rule with a choice of days.

    dateutil would step through every unchosen day, hour by hour where the rule is intricate; here the
    rule is walked without its days and started anew at the next chosen one.
    """
    clock = replace(rule, days=(), by=tuple(part for part in rule.by if part[0] not in _DATE_PARTS))
    limit = cursor + _LONGEST_SEARCH
    while cursor < limit:
        for wall in _engine(clock, begin, cursor):
            if wall < cursor:
                continue
            if not _is_chosen(rule, wall.date()):
                cursor = _next_chosen(rule, wall.date(), limit)
                break
            limit = wall + _LONGEST_SEARCH
            yield wall
        else:
            return


def _next_chosen(rule: Rule, day: date, limit: datetime) -> datetime:
    while True:
        day += _DAY
        midnight = datetime.combine(day, time())
        if midnight >= limit or _is_chosen(rule, day):
            return midnight


def _is_chosen(rule: Rule, day: date) -> bool:
    """Whether the parts that speak of dates allow this one; those not given allow all."""
    of_year, of_month = day.timetuple().tm_yday, day.day
    days_of_year = date(day.year, 12, 31).timetuple().tm_yday
    days_of_month = ((day.replace(day=28) + timedelta(days=4)).replace(day=1) - _DAY).day
    numbers = (
        (rule.numbers("BYMONTH"), {day.month}),
        (rule.numbers("BYYEARDAY"), {of_year, of_year - days_of_year - 1}),
        (rule.numbers("BYMONTHDAY"), {of_month, of_month - days_of_month - 1}),
        (tuple(weekday for weekday, _ in rule.days) or None, {day.weekday()}),
    )
    return all(wanted is None or not actual.isdisjoint(wanted) for wanted, actual in numbers)


def _engine(rule: Rule, begin: datetime, start: datetime) -> Iterator[datetime]:
    """Let dateutil walk the rule from the last period that begins by `start`."""
    rule = _explicit(rule, begin)
    first = _shifted(rule, begin, start)
    days = [dateutil.weekday(weekday, nth or None) for weekday, nth in rule.days]
    try:
        engine = dateutil.rrule(
            rule.freq,  # type: ignore[arg-type]  # the stubs know only literals
            first.replace(year=first.year + _CYCLES),
            interval=rule.interval,
            wkst=rule.week_start,
            byweekday=days or None,
            bysetpos=rule.numbers("BYSETPOS"),
            bymonth=rule.numbers("BYMONTH"),
            bymonthday=rule.numbers("BYMONTHDAY"),
            byyearday=rule.numbers("BYYEARDAY"),
            byweekno=rule.numbers("BYWEEKNO"),
            byhour=rule.numbers("BYHOUR"),
            byminute=rule.numbers("BYMINUTE"),
            bysecond=rule.numbers("BYSECOND"),
        )
        for time_there in engine:
            yield time_there.replace(year=time_there.year - _CYCLES)
    except ValueError:
        # dateutil's way to say that hours, minutes or seconds wanted are never reached by the interval
        return


def _explicit(rule: Rule, begin: datetime) -> Rule:
    """The rule with the parts written out that it would take from its start."""
    given = dict(rule.by)
    days = rule.days
    if not days and given.keys().isdisjoint({"BYWEEKNO", "BYYEARDAY", "BYMONTHDAY"}):
        if rule.freq == values.WEEKLY:
            days = ((begin.weekday(), 0),)
        elif rule.freq in {values.YEARLY, values.MONTHLY}:
            given["BYMONTHDAY"] = (begin.day,)
            if rule.freq == values.YEARLY:
                given.setdefault("BYMONTH", (begin.month,))
    for name, frequency, number in (
        ("BYHOUR", values.HOURLY, begin.hour),
        ("BYMINUTE", values.MINUTELY, begin.minute),
        ("BYSECOND", values.SECONDLY, begin.second),
    ):
        if rule.freq < frequency:
            given.setdefault(name, (number,))
    return replace(rule, by=tuple(given.items()), days=days)


def _shifted(rule: Rule, begin: datetime, start: datetime) -> datetime:
    """The beginning of the last period by `start`, or the rule's own start if that is its first period."""
    if rule.freq in {values.YEARLY, values.MONTHLY}:
        step = rule.interval * (12 if rule.freq == values.YEARLY else 1)
        origin = begin.year * 12 + (begin.month - 1 if rule.freq == values.MONTHLY else 0)
        periods = (start.year * 12 + start.month - 1 - origin) // step
        year, month = divmod(origin + periods * step, 12)
        return datetime(year, month + 1, 1) if periods > 0 else begin  # noqa: DTZ001 - a wall-clock time
    distance = rule.interval * _UNITS[rule.freq]
    floor = _floor(rule, begin)
    periods = (start - floor) // distance
    return floor + periods * distance if periods > 0 else begin


def _floor(rule: Rule, wall: datetime) -> datetime:
    """The beginning of the week, day, hour, minute or second of a time."""
    if rule.freq == values.WEEKLY:
        return datetime.combine(wall.date() - (wall.weekday() - rule.week_start) % 7 * _DAY, time())
    midnight = datetime.combine(wall.date(), time())
    return midnight + (wall - midnight) // _UNITS[rule.freq] * _UNITS[rule.freq]
