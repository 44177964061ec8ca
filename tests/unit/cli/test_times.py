"""Durations and moments: read from what people type, written for people."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from headrace.cli.errors import BadUsage
from headrace.cli.times import parse_duration, parse_moment, show_ago, show_duration, show_moment

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5m", 300),
        ("90s", 90),
        ("2h30m", 9000),
        ("1d", 86_400),
        ("1w2d", 777_600),
        ("1.5h", 5400),
        ("45", 45),
        ("0.5", 0.5),
        (" 1h 5m ", 3900),
        ("3H", 10_800),
        ("0s", 0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "m", "5x", "5m2h", "5m5m", "-5m", "5m!", "1e3", "five", "99999w", "+5", "∞"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(BadUsage, match="--in"):
        parse_duration(text, "--in")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T09:00Z", datetime(2026, 3, 1, 9, tzinfo=UTC)),
        ("2026-03-01T09:00+02:00", datetime(2026, 3, 1, 7, tzinfo=UTC)),
        ("2026-03-01 09:00:30+00:00", datetime(2026, 3, 1, 9, 0, 30, tzinfo=UTC)),
        ("in 5m", NOW + timedelta(minutes=5)),
        ("In 2h30m", NOW + timedelta(minutes=150)),
        ("now", NOW),
    ],
)
def test_moments(text: str, moment: datetime) -> None:
    assert parse_moment(text, "--at", NOW) == moment


def test_a_moment_without_a_zone_is_this_machines() -> None:
    local = datetime(2026, 7, 1, 9).astimezone()

    assert parse_moment("2026-07-01T09:00", "--at", NOW) == local


@pytest.mark.parametrize(
    "text", ["", "in", "in soon", "tomorrow", "2026-13-01", "2026-02-29", "25:00", "yesterday 9"]
)
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(BadUsage, match="--at"):
        parse_moment(text, "--at", NOW)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.417, "0.42s"), (7.06, "7.1s"), (192, "3m 12s"), (7500, "2h 05m"), (356_400, "4d 3h")],
)
def test_durations_for_people(seconds: float, text: str) -> None:
    assert show_duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "just now"), (12.2, "12s ago"), (-300, "in 5m 00s"), (7200, "2h 00m ago")]
)
def test_how_long_ago(seconds: float, text: str) -> None:
    assert show_ago(NOW - timedelta(seconds=seconds), NOW) == text


def test_never() -> None:
    assert show_ago(None, NOW) == "-"


def test_a_time_names_its_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime(2026, 11, 25, 23, 26, 13, tzinfo=UTC)
    try:
        for zone, said in (("Europe/Berlin", "2026-11-26 00:26:13 CET"), ("UTC", "2026-11-25 23:26:13 UTC")):
            monkeypatch.setenv("TZ", zone)
            time.tzset()
            assert show_moment(moment) == said
    finally:
        monkeypatch.undo()
        time.tzset()
