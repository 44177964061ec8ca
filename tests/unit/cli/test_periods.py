"""Periods as people type them, in the zone of a schedule."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from headrace.cli.errors import BadUsage
from headrace.cli.periods import read_period

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        ("2026-03-01", "2026-03-03", "2026-02-28T23:00Z", "2026-03-03T22:59:59.999999Z"),
        ("2026-03-29", "2026-03-29", "2026-03-28T23:00Z", "2026-03-29T21:59:59.999999Z"),
        ("2026-03-01T08:00", "2026-03-01T09:00", "2026-03-01T07:00Z", "2026-03-01T08:00Z"),
        ("2026-03-01T08:00Z", "2026-03-01T09:00Z", "2026-03-01T08:00Z", "2026-03-01T09:00Z"),
        ("2026-03-01T08:00Z", "2026-03-01T08:00Z", "2026-03-01T08:00Z", "2026-03-01T08:00Z"),
        ("2026-03-31", "2026-03-31", "2026-03-30T22:00Z", "2026-03-31T12:00Z"),
        ("20260301", "now", "2026-02-28T23:00Z", "2026-03-31T12:00Z"),
    ],
)
def test_a_period_is_of_the_schedules_zone(start: str, end: str, first: str, last: str) -> None:
    assert read_period(start, end, NOW, BERLIN) == (
        datetime.fromisoformat(first),
        datetime.fromisoformat(last),
    )


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("2026-03-01", "2026-04-01", "lies in the future"),
        ("2026-03-02", "2026-03-01", "ends before it begins"),
        ("2026-03-01T08:00", "2026-03-01T07:59", "ends before it begins"),
        ("2026-03-01", "9999-12-31", "lies in the future"),
    ],
)
def test_what_is_no_past_period(start: str, end: str, said: str) -> None:
    with pytest.raises(BadUsage, match=said):
        read_period(start, end, NOW, BERLIN)
