from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from chalicelib.domain.schedules import (
    CatchUp,
    is_late,
    jittered,
    next_after,
    occurrence_id,
    occurrences,
    parse,
    to_skip,
)

DEPLOYMENT = UUID("6f9619ff-8b86-5011-b42d-00cf4fc964ff")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def listed(schedule, after: str, until: str, limit: int = 1000, **options) -> list[str]:
    found = occurrences(parse(schedule, **options), at(after), at(until), limit)
    assert all(moment.tzinfo is UTC for moment in found)
    return [f"{moment:%m-%dT%H:%M}" for moment in found]


def berlin(cron: str) -> dict[str, object]:
    return {"cron": cron, "timezone": "Europe/Berlin"}


@pytest.mark.parametrize(
    ("cron", "first"),
    [
        ("0 9-9/3 * * *", ["01-01T09:00", "01-02T09:00"]),
        ("5,30-30/7 0 * * *", ["01-01T00:05", "01-01T00:30", "01-02T00:05"]),
        ("0 0 1-1/7 JAN-1/2 *", ["01-01T00:00"]),
        ("0 9-11/2 * * *", ["01-01T09:00", "01-01T11:00", "01-02T09:00"]),
        ("0 20/2 * * *", ["01-01T20:00", "01-01T22:00", "01-02T20:00"]),
    ],
)
def test_a_step_in_a_range_ends_with_the_range(cron, first):
    found = listed({"cron": cron}, "2024-12-31T23:59", "2025-12-31T00:00", limit=3)
    assert found[: len(first)] == first
    assert len(found) == (1 if len(first) == 1 else 3)


def test_later_than_the_start_up_to_and_with_the_end():
    hourly = {"cron": "0 * * * *"}
    assert listed(hourly, "2025-01-01T00:00", "2025-01-01T02:00") == ["01-01T01:00", "01-01T02:00"]
    assert listed(hourly, "2025-01-01T00:00:00.1", "2025-01-01T01:59:59.9") == ["01-01T01:00"]
    assert listed(hourly, "2025-01-01T00:00", "2025-01-02T00:00", limit=2) == ["01-01T01:00", "01-01T02:00"]
    assert listed(hourly, "2025-01-01T00:00", "2025-01-02T00:00", limit=0) == []
    assert listed(hourly, "2025-01-02T00:00", "2025-01-01T00:00") == []


def test_wall_clock_times_follow_the_zone():
    assert listed(berlin("0 4 * * *"), "2025-03-28T12:00", "2025-03-31T12:00") == [
        "03-29T03:00",
        "03-30T02:00",
        "03-31T02:00",
    ]


# Berlin, 2025-10-26: 02:00 to 03:00 is shown twice, first from 00:00 UTC, then from 01:00 UTC.
@pytest.mark.parametrize(
    ("dst", "expected"),
    [
        ("first", ["10-26T00:30"]),
        ("second", ["10-26T01:30"]),
        ("both", ["10-26T00:30", "10-26T01:30"]),
        ("skip", ["10-26T00:30"]),
    ],
)
def test_repeated_times(dst, expected):
    assert listed(berlin("30 2 * * *"), "2025-10-25T12:00", "2025-10-26T12:00", dst=dst) == expected
    rule = {"rrule": "DTSTART;TZID=Europe/Berlin:20250101T023000 RRULE:FREQ=DAILY"}
    assert listed(rule, "2025-10-25T12:00", "2025-10-26T12:00", dst=dst) == expected


# Berlin, 2025-03-30: the clock jumps from 02:00 to 03:00 at 01:00 UTC.
@pytest.mark.parametrize(
    ("dst", "expected"),
    [
        ("first", ["03-30T01:00"]),
        ("second", ["03-30T01:00"]),
        ("both", ["03-30T01:00"]),
        ("skip", []),
    ],
)
@pytest.mark.parametrize("minutes", ["30", "*/10"])
def test_missing_times_run_once_when_the_clock_jumps(minutes, dst, expected):
    assert listed(berlin(f"{minutes} 2 * * *"), "2025-03-29T12:00", "2025-03-30T12:00", dst=dst) == expected


@pytest.mark.parametrize("dst", ["first", "second", "both", "skip"])
@pytest.mark.parametrize(
    "schedule",
    [
        berlin("*/30 * * * *"),
        berlin("0,30 0-23 * * *"),
        berlin("*/30 */1 * * *"),
        {"rrule": "FREQ=MINUTELY;INTERVAL=30", "timezone": "Europe/Berlin"},
        {"interval": 1800, "timezone": "Europe/Berlin"},
    ],
)
def test_what_runs_every_hour_runs_in_every_real_hour(schedule, dst):
    autumn = listed(schedule, "2025-10-25T22:59", "2025-10-26T02:00", dst=dst)
    half_hours = [f"10-2{hour}:{minute}" for hour in ("5T23", "6T00", "6T01") for minute in ("00", "30")]
    assert autumn == [*half_hours, "10-26T02:00"]
    spring = listed(schedule, "2025-03-29T23:59", "2025-03-30T02:00", dst=dst)
    assert spring == ["03-30T00:00", "03-30T00:30", "03-30T01:00", "03-30T01:30", "03-30T02:00"]


def test_every_second_hour_is_not_every_hour():
    found = listed(berlin("0 */2 * * *"), "2025-10-25T21:30", "2025-10-26T04:00")
    assert found == ["10-25T22:00", "10-26T00:00", "10-26T03:00"]


def test_a_missing_day_runs_once():
    apia = {"cron": "0 12 * * *", "timezone": "Pacific/Apia"}
    assert listed(apia, "2011-12-29T12:00", "2011-12-31T12:00") == [
        "12-29T22:00",
        "12-30T10:00",
        "12-30T22:00",
    ]


def test_what_never_runs_ends():
    only_missing = parse(berlin("30 2 * 3 7L"), dst="skip")
    assert next_after(only_missing, at("2025-01-01")) is None
    over = parse({"rrule": "FREQ=DAILY;UNTIL=20240101"})
    assert next_after(over, at("2025-01-01")) is None
    assert occurrences(over, at("2023-12-31T12:00"), at("2025-01-01")) == [at("2024-01-01")]
    assert next_after(parse({"cron": "@daily"}), at("2399-12-31T12:00")) is None
    assert next_after(parse({"interval": 60}), at("9999-01-01")) is None


def test_before_1970_nothing_runs():
    assert next_after(parse({"cron": "@daily"}), at("0001-01-02")) == at("1970-01-01")
    assert next_after(parse({"interval": 60, "anchor_date": "1969-12-31T23:59:30Z"}), at("1900-01-01")) == at(
        "1970-01-01T00:00:30"
    )


def test_intervals_count_from_their_anchor():
    every = {"interval": 7 * 3600, "anchor_date": "2025-01-01T00:00:00Z"}
    assert listed(every, "2024-06-01", "2025-01-01T08:00") == ["01-01T00:00", "01-01T07:00"]
    assert listed(every, "2025-01-01T00:00", "2025-01-01T08:00") == ["01-01T07:00"]


def test_recurrences_with_exceptions_additions_and_several_rules():
    text = (
        "DTSTART;TZID=Europe/Berlin:20250101T090000 "
        "RRULE:FREQ=DAILY;COUNT=4 RRULE:FREQ=DAILY;BYHOUR=9,18;COUNT=4 "
        "RDATE:20250110T080000Z EXDATE:20250102T090000,20250104"
    )
    assert listed({"rrule": text}, "2024-12-31", "2025-02-01") == [
        "01-01T08:00",
        "01-01T17:00",
        "01-02T17:00",
        "01-03T08:00",
        "01-10T08:00",
    ]


@pytest.mark.parametrize("dst", ["first", "second", "both", "skip"])
def test_what_two_rules_name_runs_once(dst):
    rule = "RRULE:FREQ=DAILY;UNTIL=20251026T023000"
    text = f"DTSTART;TZID=Europe/Berlin:20251020T023000 {rule} {rule}"
    found = listed({"rrule": text}, "2025-10-25T12:00", "2025-10-27T12:00", dst=dst)
    assert found == listed(
        {"rrule": text.removesuffix(rule)}, "2025-10-25T12:00", "2025-10-27T12:00", dst=dst
    )
    assert len(found) == (2 if dst == "both" else 1)


def test_nothing_before_the_start_of_a_recurrence_runs_or_counts():
    rule = {"rrule": "DTSTART:20250101T103000 RRULE:FREQ=HOURLY;BYMINUTE=0,45;COUNT=2"}
    assert listed(rule, "2025-01-01", "2025-01-02") == ["01-01T10:45", "01-01T11:00"]


def test_days_of_the_year_count_from_both_ends():
    rule = {"rrule": "FREQ=HOURLY;BYHOUR=9;BYYEARDAY=60,-1"}
    assert listed(rule, "2024-01-01", "2026-01-01") == [
        "02-29T09:00",
        "12-31T09:00",
        "03-01T09:00",
        "12-31T09:00",
    ]


def test_an_until_that_is_a_date_means_the_whole_day():
    rule = {"rrule": "FREQ=DAILY;BYHOUR=9;UNTIL=20250102", "timezone": "Europe/Berlin"}
    assert listed(rule, "2024-12-31T12:00", "2025-02-01") == ["01-01T08:00", "01-02T08:00"]
    exact = {"rrule": "FREQ=DAILY;BYHOUR=9;UNTIL=20250102T080000Z", "timezone": "Europe/Berlin"}
    assert listed(exact, "2024-12-31T12:00", "2025-02-01") == ["01-01T08:00", "01-02T08:00"]


def test_an_occurrence_has_one_id():
    moment = at("2025-01-01T04:00")
    first = occurrence_id(DEPLOYMENT, "nightly", moment)
    assert first == UUID("885e3fab-f626-54fa-9b05-d2bfd7225609"), "ids of stored runs must never change"
    assert first == occurrence_id(DEPLOYMENT, "nightly", moment.astimezone(tz=None))
    others = {
        occurrence_id(DEPLOYMENT, "weekly", moment),
        occurrence_id(DEPLOYMENT, "nightly", moment + timedelta(microseconds=1)),
        occurrence_id(UUID(int=1), "nightly", moment),
    }
    assert len(others | {first}) == 4


def test_jitter_is_drawn_once_and_stays_within_its_bounds():
    moment = at("2025-01-01T04:00")
    assert jittered(moment, 0, "a") == moment
    drawn = [jittered(moment + timedelta(hours=n), 60, "a") - timedelta(hours=n) for n in range(500)]
    assert drawn[3] == jittered(moment + timedelta(hours=3), 60, "a") - timedelta(hours=3)
    assert all(moment <= when < moment + timedelta(seconds=60) for when in drawn)
    assert min(drawn) < moment + timedelta(seconds=2)
    assert max(drawn) > moment + timedelta(seconds=58)
    assert jittered(moment, 60, "a") != jittered(moment, 60, "b")


def test_late_begins_after_fifteen_seconds():
    due = at("2025-01-01T04:00")
    assert not is_late(due, due + timedelta(seconds=15))
    assert is_late(due, due + timedelta(seconds=15.1))
    assert not is_late(due, due - timedelta(hours=1))


NOW = at("2025-01-01T12:00:30")
HOURS = [at(f"2025-01-01T{hour:02}:00") for hour in (9, 10, 11, 12, 13)]


@pytest.mark.parametrize(
    ("catchup", "max_lateness", "skipped"),
    [
        ("all", None, []),
        ("latest", None, HOURS[:3]),
        ("none", None, HOURS[:3]),
        ("all", 2 * 3600, HOURS[:2]),
        ("all", 10, HOURS[:4]),
        ("latest", 10, HOURS[:4]),
    ],
)
def test_catching_up(catchup, max_lateness, skipped):
    found = to_skip(HOURS, NOW, catchup=catchup, max_lateness=max_lateness)
    assert [skip.due for skip in found] == skipped
    assert all(skip.reason for skip in found)


def test_without_catching_up_a_missed_one_is_skipped_a_waiting_one_is_not():
    due = HOURS[:1]
    assert to_skip(due, due[0] + timedelta(seconds=60), catchup=CatchUp.NONE) == []
    (skip,) = to_skip(due, due[0] + timedelta(seconds=61), catchup=CatchUp.NONE)
    assert skip.reason == "missed by 61 s; its schedule does not catch up"


def test_reasons_say_why():
    reasons = [skip.reason for skip in to_skip(HOURS, NOW, catchup="latest", max_lateness=2 * 3600)]
    assert reasons == [
        "10830 s late; its schedule allows 7200 s",
        "7230 s late; its schedule allows 7200 s",
        "a later occurrence (2025-01-01 12:00:00 UTC) was due as well, "
        "and its schedule runs only the latest (catch-up: latest)",
    ]


def test_nothing_due_nothing_skipped():
    assert to_skip([], NOW, catchup="latest") == []
    assert to_skip(HOURS[4:], NOW, catchup="none", max_lateness=1) == []
