"""The wall-clock times of a recurrence, from any moment on, without walking there from its start.

Hourly and finer rules are computed in `rrule_clock`. The others are walked by dateutil, which begins at their
start and looks for a match until the year 9999. Two exact transformations keep that short.

*Whole periods.* Once COUNT is turned into the time it ends at, the start of a rule matters only for the
phase of INTERVAL and for the parts that it stands in for (BYHOUR, BYMONTHDAY...). With those written out,
a rule that starts at the beginning of a later period (year, month, week from WKST, day), a whole
multiple of INTERVAL periods away, yields the very same times from there on.

*Whole cycles.* The Gregorian calendar repeats every 400 years, weekdays and week numbers included
(146,097 days are 20,871 weeks). Rules are walked 7,600 years later and the times brought back, so that
an unsuccessful search ends after less than 400 years. No time from the year 2400 on is found.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from math import prod

from chalicelib.domain.schedules import rrule_clock
from chalicelib.domain.schedules import rrule_values as values
from chalicelib.domain.schedules.rrule_values import Rule, RuleSet

_CYCLES = 7600
_LAST_YEAR = 2399
_DAY = timedelta(days=1)


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
    if rule.freq < values.HOURLY or rrule_clock.step(rule) > 3600:
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
    if rule.freq >= values.HOURLY:
        return rrule_clock.times(rule, begin, start)
    return _engine(rule, begin, start)


def _engine(rule: Rule, begin: datetime, start: datetime) -> Iterator[datetime]:
    """Let dateutil walk the rule from the last period that begins by `start`."""
    from dateutil import rrule as dateutil  # needed by few rules, and by no other schedule

    rule = _explicit(rule, begin)
    if rule.freq == values.DAILY and _asks_beyond_each_day(rule):
        return iter(())
    first = _shifted(rule, begin, start)
    days = [dateutil.weekday(weekday, nth or None) for weekday, nth in rule.days]
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
    return (wall.replace(year=wall.year - _CYCLES) for wall in engine)


def _asks_beyond_each_day(rule: Rule) -> bool:
    """Whether BYSETPOS names no position that the times of a day have: dateutil would try 130,000 days."""
    size = prod(len(rule.numbers(name) or ()) for name in ("BYHOUR", "BYMINUTE", "BYSECOND"))
    return all(abs(position) > size for position in rule.numbers("BYSETPOS") or (0,))


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
    for name, number in (("BYHOUR", begin.hour), ("BYMINUTE", begin.minute), ("BYSECOND", begin.second)):
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
    distance = rule.interval * (timedelta(weeks=1) if rule.freq == values.WEEKLY else _DAY)
    floor = datetime.combine(begin.date(), time())
    if rule.freq == values.WEEKLY:
        floor -= (begin.weekday() - rule.week_start) % 7 * _DAY
    periods = (start - floor) // distance
    return floor + periods * distance if periods > 0 else begin
