"""Laws that hold for schedules of every kind, and each kind against the plainest way to compute it."""

# ruff: noqa: DTZ001 - Hypothesis and dateutil take wall-clock times without a zone

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile

import pytest
from cronsim import CronSim, CronSimError
from dateutil import rrule as dateutil
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.domain.errors import Invalid
from chalicelib.domain.schedules import Dst, next_after, occurrences, parse

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Antarctica/Troll", "Asia/Gaza")
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY")
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no reason to fail."""

LIMIT = 3000
moments = st.datetimes(datetime(2020, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC))
spans = st.timedeltas(timedelta(0), timedelta(days=4))


@st.composite
def fields(draw: st.DrawFn, low: int, high: int) -> str:
    """One cron field."""
    numbers = st.integers(low, high)
    first, last = sorted((draw(numbers), draw(numbers)))
    step = draw(st.integers(1, high))
    return draw(st.sampled_from(["*", "*", f"{first}", f"{first}-{last}", f"{first},{last}", f"*/{step}"]))


crons = st.tuples(fields(0, 59), fields(0, 23), fields(1, 28), fields(1, 12), fields(0, 6)).map(" ".join)


def numbers(low: int, high: int, most: int = 3) -> st.SearchStrategy[str]:
    """A list of numbers of a BY part."""
    return st.lists(st.integers(low, high), min_size=1, max_size=most, unique=True).map(
        lambda chosen: ",".join(map(str, chosen))
    )


@st.composite
def rules(draw: st.DrawFn) -> str:
    """An RRULE with some of its parts, such as dateutil itself can walk in reasonable time."""
    freq = draw(st.sampled_from(FREQUENCIES))
    parts = {"FREQ": freq, "INTERVAL": str(draw(st.integers(1, 9)))}
    choices = {
        "BYMONTH": numbers(1, 12),
        "BYHOUR": numbers(0, 23),
        "BYMINUTE": numbers(0, 59),
        "BYSECOND": numbers(0, 59),
    }
    choices["BYDAY"] = st.lists(st.sampled_from(WEEKDAYS), min_size=1).map(",".join)
    if freq != "WEEKLY":
        choices["BYMONTHDAY"] = st.one_of(numbers(1, 28), numbers(-28, -1))
    if freq in {"YEARLY", "MONTHLY"}:
        choices["BYDAY"] = st.sampled_from(["1MO", "-1FR", "2WE,3SU", "TU,-2TH"])
    if freq == "YEARLY":
        choices["BYWEEKNO"] = numbers(1, 52)
    if freq not in {"MONTHLY", "WEEKLY", "DAILY"}:
        choices["BYYEARDAY"] = st.one_of(numbers(1, 365), numbers(-365, -1))
    for name in draw(st.lists(st.sampled_from(sorted(choices)), unique=True, max_size=3)):
        parts[name] = draw(choices[name])
    sets = ["BYDAY", "BYHOUR", "BYMONTHDAY", "BYMINUTE", "BYSECOND"][3 if freq == "HOURLY" else 0 :]
    if freq not in {"MINUTELY", "SECONDLY"} and parts.keys() & set(sets) and draw(st.booleans()):
        parts["BYSETPOS"] = draw(st.sampled_from(["1", "-1", "1,-1", "2"]))
    parts["WKST"] = draw(st.sampled_from(["MO", "SU", "WE"]))
    if draw(st.booleans()):
        parts["COUNT"] = str(draw(st.integers(1, 60)))
    return ";".join(f"{name}={value}" for name, value in parts.items())


starts = st.datetimes(datetime(2015, 1, 1), datetime(2021, 1, 1)).map(
    lambda wall: wall.replace(microsecond=0)
)


def written(start: datetime, rule: str) -> str:
    """DTSTART and RRULE."""
    return f"DTSTART:{start:%Y%m%dT%H%M%S}\nRRULE:{rule}"


@st.composite
def schedules(draw: st.DrawFn) -> dict[str, object]:
    """A schedule of any kind."""
    zone = draw(st.sampled_from(ZONES))
    return draw(
        st.one_of(
            st.builds(lambda cron: {"cron": cron, "timezone": zone}, crons),
            st.builds(lambda seconds: {"interval": seconds}, st.floats(60, 1e6)),
            st.builds(lambda start, rule: {"rrule": written(start, rule), "timezone": zone}, starts, rules()),
        )
    )


@settings(UNHURRIED, max_examples=150)
@given(schedules(), st.sampled_from(list(Dst)), moments, spans, spans)
def test_runs_ascend_and_do_not_depend_on_how_time_is_cut(schedule, dst, begin, first, second):
    try:
        spec = parse(schedule, dst=dst)
    except Invalid as error:
        assert "never runs" in error.message
        return
    middle, end = begin + first, begin + first + second
    whole = occurrences(spec, begin, end, LIMIT)
    if len(whole) == LIMIT:
        end = whole[-1]
        middle = min(middle, end)
    assert all(one < other for one, other in pairwise(whole))
    assert all(begin < moment <= end for moment in whole)
    assert whole == occurrences(spec, begin, middle, LIMIT) + occurrences(spec, middle, end, LIMIT)
    assert whole[:3] == occurrences(spec, begin, end, 3)
    following = next_after(spec, begin)
    assert following == whole[0] if whole else following is None or following > end


@settings(UNHURRIED)
@given(
    st.integers(1_000_000, 10_000_000),
    st.datetimes(datetime(2020, 1, 1), datetime(2020, 1, 2), timezones=st.just(UTC)),
    st.timedeltas(timedelta(minutes=-5), timedelta(minutes=5)),
)
def test_an_interval_is_what_adding_it_up_gives(microseconds, anchor, offset):
    every = timedelta(microseconds=microseconds)
    after, until = anchor + offset, anchor + offset + timedelta(minutes=1)
    expected, moment = [], anchor
    while moment <= until:
        if moment > after:
            expected.append(moment)
        moment += every
    spec = parse({"interval": every.total_seconds(), "anchor_date": anchor})
    assert occurrences(spec, after, until) == expected


REACH = dict(zip(FREQUENCIES, (4000, 4000, 4000, 2000, 200, 20, 1), strict=True))
"""Days after its start at which a rule is looked at: dateutil has to walk there."""


@settings(UNHURRIED, max_examples=300)
@given(starts, rules(), st.floats(0, 1))
def test_a_recurrence_is_what_dateutil_finds_walking_from_its_start(start, rule, part):
    text = written(start, rule)
    try:
        spec = parse({"rrule": text})
    except Invalid as error:
        assert "never runs" in error.message
        return
    freq = rule.split(";")[0].removeprefix("FREQ=")
    after = start + part * timedelta(days=REACH[freq])
    until = after + timedelta(days=REACH[freq])
    found = occurrences(spec, after.replace(tzinfo=UTC), until.replace(tzinfo=UTC), 20)
    walked = takewhile(lambda wall: wall <= until, dateutil.rrulestr(text))
    expected = list(islice((wall for wall in walked if wall > after), 20))
    assert [moment.replace(tzinfo=None) for moment in found] == expected


@pytest.mark.parametrize("week_start", WEEKDAYS)
@pytest.mark.parametrize("first_day", range(6, 13))
def test_every_second_week_begins_on_any_day(week_start, first_day):
    text = written(datetime(2020, 1, first_day, 9), f"FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST={week_start}")
    after = datetime(2021, 3, 4)
    found = occurrences(
        parse({"rrule": text}), after.replace(tzinfo=UTC), datetime(2022, 1, 1, tzinfo=UTC), 9
    )
    expected = list(dateutil.rrulestr(text).xafter(after, count=9))
    assert [moment.replace(tzinfo=None) for moment in found] == expected


@settings(UNHURRIED, max_examples=300)
@given(
    st.lists(
        st.one_of(
            st.text(alphabet="0123456789*/-,L#WJANMO?", min_size=1, max_size=4),
            st.sampled_from(["*", "0", "1-5", "*/2", "MON", "JAN", "L", "5L", "LW", "MON#2"]),
        ),
        min_size=5,
        max_size=5,
    )
)
def test_what_is_accepted_cronsim_understands_and_what_it_does_not_is_refused(parts):
    text = " ".join(parts)
    try:
        parse({"cron": text})
    except Invalid as error:
        assert error.errors[0].path == "schedule.cron"
    else:
        next(CronSim(text, datetime(2020, 1, 1)))
        return
    try:
        CronSim(text, datetime(2020, 1, 1))
    except (CronSimError, AssertionError, ValueError):
        return
    assert any(reason in error_of(text) for reason in STRICTER), text


STRICTER = ("longer than the whole field", "a step cannot follow", "never runs", "is not a number from 1 on")
"""What cronsim takes and runs otherwise than its author will think, or never."""


def error_of(text: str) -> str:
    try:
        parse({"cron": text})
    except Invalid as error:
        return error.message
    return ""


@settings(UNHURRIED, max_examples=500)
@given(
    st.one_of(
        st.text(max_size=40),
        st.text(alphabet="FREQ=DAILY;BYUNTCO:,0123456789TZ-+ \n", max_size=60),
        rules().flatmap(
            lambda rule: st.integers(0, len(rule)).map(lambda at: rule[:at] + "%" + rule[at + 1 :])
        ),
    )
)
def test_any_text_is_taken_or_refused_and_nothing_else_happens(text):
    for kind in ("cron", "rrule"):
        try:
            spec = parse({kind: text})
        except Invalid as error:
            assert error.hint
        else:
            next_after(spec, datetime(2025, 1, 1, tzinfo=UTC))
