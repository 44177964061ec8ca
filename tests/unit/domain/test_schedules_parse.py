from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.errors import Invalid
from chalicelib.domain.schedules import CatchUp, Dst, Kind, ScheduleSpec, describe, parse
from headrace.contract import schedules as wire


def refused(schedule, **options) -> Invalid:
    with pytest.raises(Invalid) as caught:
        parse(schedule, **options)
    assert caught.value.code == "invalid_schedule"
    assert caught.value.hint
    return caught.value


def caret(error: Invalid) -> str:
    """What the caret line of a message points at."""
    _, line, marks = error.message.split("\n")
    return line[marks.index("^") : marks.rindex("^") + 1]


@pytest.mark.parametrize(
    "text",
    [
        "0 4 * * *",
        " 0  4 * * * ",
        "*/15 8-18/2 1,15 JAN-MAR,jul mon-FRI",
        "0 0 L * *",
        "0 0 LW,1 * *",
        "0 9 * * 5L",
        "0 9 * * MON#1,5#3",
        "0 0 29 2 *",
        "5/10 * * * 7",
        "0 0 31 2 1",
        "@daily",
        "@Annually",
        " @midnight ",
    ],
)
def test_right_cron_expressions(text):
    spec = parse({"cron": text, "timezone": "Europe/Berlin"})
    assert (spec.kind, spec.expression, spec.timezone) == (Kind.CRON, text, "Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "at", "pointed", "said"),
    [
        ("75 4 * * *", 0, "75", "minute: 75 is not in 0-59"),
        ("0 24 * * *", 2, "24", "hour: 24 is not in 0-23"),
        ("0 4 0 * *", 4, "0", "day of month: 0 is not in 1-31"),
        ("0 4 * 13 *", 6, "13", "month: 13 is not in 1-12"),
        ("0 4 * * 8", 8, "8", "day of week: 8 is not in 0-7"),
        ("0 4 * * MON,FRY", 12, "FRY", "'FRY' is not a value"),
        ("0 4 * JANUARY *", 6, "JANUARY", "'JANUARY' is not a value"),
        ("1,,2 * * * *", 2, ",", "nothing between the commas"),
        ("30-10 * * * *", 0, "30-10", "runs backwards"),
        ("10- * * * *", 3, " ", "a number is missing"),
        ("*/0 * * * *", 2, "0", "step '0'"),
        ("*/x * * * *", 2, "x", "step 'x'"),
        ("*/90 * * * *", 2, "90", "use an interval schedule"),
        ("-5 * * * *", 0, "-", "a number is missing"),
        ("0 ? * * *", 2, "?", "write *"),
        ("0 9 * * FRIL", 8, "FRIL", "write the last FRI of a month as 5L"),
        ("0 9 * * MON#6", 12, "6", "'6' after # is not 1 to 5"),
        ("0 0 L/2 * *", 5, "/2", "a step cannot follow 'L'"),
        ("0 0 4 * * *", 10, "*", "6 fields instead of five: seconds"),
        ("0 4 * *", 7, "", "4 of five fields, missing: day of week"),
        ("0 0 31 2 *", 4, "31", "never runs"),
        ("0 0 31 4,6,9,11 *", 4, "31", "never runs"),
        ("0 0 30 FEB */2", 4, "30", "never runs"),
        ("@fortnightly", 0, "@fortnightly", "not known"),
        ("@every 5m", 0, "@every 5m", "use an interval schedule"),
        ("TZ=UTC 0 4 * * *", 0, "TZ=UTC", "option `timezone`"),
        ("٣ 4 * * *", 0, "٣", "is not a value"),
        ("0 4 * * *" + " " * 500, 500, "", "too many"),
    ],
)
def test_mistakes_in_cron_are_shown_in_place(text, at, pointed, said):
    error = refused({"cron": text})
    assert said in error.message
    assert f"(character {at})" in error.message
    assert error.errors[0].path == "schedule.cron"
    assert error.errors[0].expected
    assert "For example: `" in error.hint
    if pointed:
        assert caret(error) == pointed


def test_both_days_may_be_asked_for():
    assert parse({"cron": "0 0 13 * FRI", "day_or": False}).day_or is False
    refused({"cron": "0 0 31 2 MON", "day_or": False})


def test_an_interval_with_and_without_anchor():
    spec = parse({"interval": 90, "anchor_date": "2025-01-31T10:00:00+02:00", "timezone": None})
    assert (spec.every, spec.anchor) == (timedelta(seconds=90), datetime(2025, 1, 31, 8, tzinfo=UTC))
    moment = datetime(2025, 1, 31, 8, tzinfo=UTC)
    assert parse({"interval": 1, "anchor_date": moment}).anchor == moment
    assert parse({"interval": 1.5}).anchor == datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("value", [0, 0.5, -1, True, "60", float("nan"), float("inf"), 1e12, []])
def test_wrong_intervals(value):
    assert refused({"interval": value}).errors[0].path == "schedule.interval"


@pytest.mark.parametrize("value", ["soon", 3, "9999-01-01T00:00:00Z"])
def test_wrong_anchors(value):
    assert refused({"interval": 60, "anchor_date": value}).errors[0].path == "schedule.anchor_date"


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=DAILY",
        "rrule:freq=weekly;byday=mo,fr",
        "DTSTART:20250101T090000\nRRULE:FREQ=MONTHLY;BYDAY=-1FR,2MO;COUNT=5",
        "DTSTART;TZID=America/New_York:20250101T090000\r\nRRULE:FREQ=DAILY;\r\nEXDATE:20250102T140000Z,20250103",
        "DTSTART;VALUE=DATE:20250101 RRULE:FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO;WKST=SU;INTERVAL=2",
        "RDATE:20250101T090000,20250102T090000",
        "FREQ=SECONDLY",
        "FREQ=MONTHLY;BYMONTHDAY=-1;BYHOUR=9;UNTIL=20301231",
    ],
)
def test_right_recurrences(text):
    assert parse({"rrule": text}).kind is Kind.RRULE


@pytest.mark.parametrize(
    ("text", "at", "pointed", "said"),
    [
        ("FREQ=DAYLY", 5, "DAYLY", "did you mean DAILY?"),
        ("FREQ=DAILY;BYDAYS=MO", 11, "BYDAYS", "did you mean BYDAY?"),
        ("FREQ=DAILY;COUNT=", 11, "COUNT", "has no value"),
        ("FREQ=DAILY;FREQ=DAILY", 11, "FREQ", "given twice"),
        ("INTERVAL=2", 0, "INTERVAL=2", "FREQ is missing"),
        ("FREQ=DAILY;INTERVAL=0", 20, "0", "not a number in 1-"),
        ("FREQ=DAILY;COUNT=10001", 17, "10001", "larger than 10000"),
        ("FREQ=DAILY;COUNT=5;UNTIL=20250101", 25, "20250101", "exclude each other"),
        ("FREQ=DAILY;UNTIL=2025-01-01", 17, "2025-01-01", "is not a time"),
        ("FREQ=DAILY;UNTIL=20250231", 17, "20250231", "day is out of range"),
        ("FREQ=DAILY;BYHOUR=9,24", 20, "24", "not a number in 0-23"),
        ("FREQ=WEEKLY;BYDAY=MO,1FR", 21, "1FR", "no meaning with FREQ=WEEKLY"),
        ("FREQ=MONTHLY;BYDAY=XX", 19, "XX", "is not a day of the week"),
        ("FREQ=WEEKLY;BYMONTHDAY=3", 23, "3", "no meaning with FREQ=WEEKLY"),
        ("FREQ=MONTHLY;BYSETPOS=1", 22, "1", "there is none"),
        ("FREQ=MINUTELY;BYSECOND=1,2;BYSETPOS=3", 0, None, "never runs"),
        ("DTSTART:20251301T000000\nRRULE:FREQ=DAILY", 8, "20251301T000000", "is not a time"),
        ("FREQ=DAILY\nDTSTART;TZID=Europe/Berln:20250101", 24, "Europe/Berln", "did you mean Europe/Berlin"),
        ("DTSTART;ZONE=UTC:20250101T000000\nFREQ=DAILY", 8, "ZONE=UTC", "is not known"),
        ("DTSTART:20250101\nDTSTART:20250102\nFREQ=DAILY", 17, "DTSTART", "more than 1"),
        ("DTSTART:18500101\nFREQ=DAILY", 8, "18500101", "too far away"),
        ("EXRULE:FREQ=DAILY", 0, "EXRULE", "EXRULE is no longer"),
        ("hello", 0, "HELLO", "is not known"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", 0, None, "never runs"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", 0, None, "never runs"),
        ("FREQ=SECONDLY;BYHOUR=5;BYMINUTE=3;BYSECOND=7;BYMONTH=2;BYMONTHDAY=30", 0, None, "never runs"),
        ("FREQ=HOURLY;INTERVAL=2;BYHOUR=3", 0, None, "never runs"),
        ("FREQ=DAILY;INTERVAL=7;BYDAY=TU", 0, None, "never runs"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6", 0, None, "never runs"),
        ("FREQ=DAILY;UNTIL=20190101", 0, None, "never runs"),
        ("DTSTART:20250101", 0, None, "there is no RRULE"),
        ("FREQ=DAILY " * 11, 110, None, "more than 10"),
        ("x" * 6501, 6500, None, "6501 characters"),
    ],
)
def test_mistakes_in_recurrences_are_shown_in_place(text, at, pointed, said):
    error = refused({"rrule": text})
    assert said in error.message
    assert f"(character {at})" in error.message
    assert error.errors[0].path == "schedule.rrule"
    if pointed:
        assert caret(error).upper() == pointed.upper()


def test_the_zone_of_a_recurrence_is_said_once():
    text = "DTSTART;TZID=Europe/Berlin:20250101T090000\nRRULE:FREQ=DAILY"
    assert parse({"rrule": text}).timezone == "Europe/Berlin"
    assert parse({"rrule": text, "timezone": "Europe/Berlin"}).timezone == "Europe/Berlin"
    assert "differ" in refused({"rrule": text, "timezone": "Asia/Tokyo"}).message


@pytest.mark.parametrize(
    ("zone", "suggested"),
    [
        ("Europe/Berln", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("America/New York", "America/New_York"),
        ("Atlantis", None),
        ("../../etc/passwd", None),
        ("posix/Europe/Berlin", None),
    ],
)
def test_unknown_zones_are_refused_with_the_nearest(zone, suggested):
    error = refused({"cron": "0 4 * * *", "timezone": zone})
    assert error.errors[0].path == "schedule.timezone"
    if suggested:
        assert f"did you mean {suggested}" in error.message


@pytest.mark.parametrize(
    ("schedule", "path"),
    [
        ({}, "schedule"),
        ({"cron": None}, "schedule"),
        ({"cron": "0 4 * * *", "interval": 60}, "schedule"),
        ({"cron": "0 4 * * *", "anchor_date": "2025-01-01"}, "schedule.anchor_date"),
        ({"interval": 60, "day_or": True}, "schedule.day_or"),
        ({"cron": 3}, "schedule.cron"),
        ({"cron": "  "}, "schedule.cron"),
        ({"rrule": ""}, "schedule.rrule"),
        ({"cron": "0 4 * * *", "timezone": 3}, "schedule.timezone"),
    ],
)
def test_what_is_no_schedule(schedule, path):
    assert refused(schedule).errors[0].path == path


def test_the_path_can_be_told():
    assert refused({"cron": "x"}, path="schedules.2.schedule").errors[0].path == "schedules.2.schedule.cron"


def test_options():
    spec = parse({"cron": "0 4 * * *"}, jitter=30, dst="both")
    assert (spec.jitter, spec.dst) == (30, Dst.BOTH)
    assert refused({"cron": "0 4 * * *"}, jitter=3601).errors[0].path == "jitter"
    assert refused({"cron": "0 4 * * *"}, dst="third").errors[0].path == "dst"


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        ({"cron": "0 4  * * *", "timezone": "Europe/Berlin"}, "cron 0 4 * * * (Europe/Berlin)"),
        ({"interval": 5400}, "every 1 h 30 min"),
        ({"interval": 1.5, "anchor_date": "2025-01-01T00:00:00Z"}, "every 1.5 s from 2025-01-01T00:00:00Z"),
        ({"rrule": "FREQ=DAILY\n"}, "rrule FREQ=DAILY (UTC)"),
        ({"rrule": "FREQ=MONTHLY;BYMONTHDAY=" + ",".join(map(str, range(1, 32)))}, None),
    ],
)
def test_a_short_text_for_people(schedule, text):
    shown = describe(parse(schedule))
    assert len(shown) < 120
    assert text is None or shown == text


def test_a_spec_is_a_value():
    assert parse({"cron": "0 4 * * *"}) == ScheduleSpec(Kind.CRON, "0 4 * * *")
    assert len({parse({"interval": 60}), parse({"interval": 60.0})}) == 1


def test_choices_are_those_of_the_wire():
    assert list(Dst) == list(wire.Dst)
    assert list(CatchUp) == list(wire.CatchUp)
