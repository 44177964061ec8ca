"""Cron and rrule around every transition of every zone from 2020 to 2040, against the oracle."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from chalicelib.domain.schedules import Dst, next_after, occurrences, parse
from tests.property.schedules.oracle import MINUTE, WallClock, zones_with_transitions

AROUND = timedelta(hours=5)
SAMPLE = 3
"""Expressions drawn for each transition, besides the one inside the gap or fold."""
SECOND = timedelta(seconds=1)


def expressions(zone: str, jump: datetime) -> list[str]:
    """Expressions whose times lie before, at the edges of, inside, over and after a gap or fold."""
    before = jump.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    ending = (jump - MINUTE).astimezone(ZoneInfo(zone)).replace(tzinfo=None) + MINUTE
    first, last = min(before, ending), max(before, ending)
    inside = first + (last - first) // 2 // MINUTE * MINUTE
    final = last - MINUTE
    hour, until = sorted((first.hour, min(final.hour, 23)))
    weekday = inside.isoweekday() % 7
    return [
        f"{inside.minute} {inside.hour} * * *",
        f"{first.minute} {first.hour} * * *",
        f"{final.minute} {final.hour} * * *",
        f"{last.minute} {last.hour} * * *",
        f"*/10 {inside.hour} * * *",
        f"* {hour}-{until} * * *",
        f"*/20 {(first.hour - 1) % 24},{first.hour},{last.hour} * * *",
        f"{inside.minute} {inside.hour} {inside.day} * *",
        f"{inside.minute} {inside.hour} * {inside.month} {weekday}",
        f"7 * * {inside.month} *",
        f"{inside.minute} */2 * * *",
        "* * * * *",
        "*/10 * * * *",
        "0 * * * *",
        "0 0 * * *",
        "59 23 * * 1-5",
    ]


@pytest.mark.parametrize("zone", sorted(zones_with_transitions()))
def test_runs_around_every_transition_are_those_of_the_oracle(zone):
    dice = random.Random(zone)
    for jump in zones_with_transitions()[zone]:
        begin, end = jump - AROUND, jump + AROUND
        clock = WallClock(zone, begin, end)
        inside, *others = expressions(zone, jump)
        for cron in [inside, *dice.sample(others, SAMPLE)]:
            for dst in dice.sample(list(Dst), len(Dst)):
                expected = clock.runs(cron, dst)
                spec = parse({"cron": cron, "timezone": zone}, dst=dst)
                where = f"{cron!r} in {zone} with {dst} around {jump}"
                assert occurrences(spec, begin - SECOND, end) == expected, where
            middle = begin + dice.random() * 2 * AROUND
            rest = [moment for moment in expected if moment > middle]
            assert occurrences(spec, middle, end) == rest, f"{where}, from {middle}"
            assert not rest or next_after(spec, middle) == rest[0], f"{where}, from {middle}"


@pytest.mark.parametrize("zone", sorted(zones_with_transitions()))
def test_a_daily_recurrence_runs_when_the_same_cron_does(zone):
    for jump in zones_with_transitions()[zone]:
        minute, hour, *_ = expressions(zone, jump)[0].split()
        clock = WallClock(zone, jump - AROUND, jump + AROUND)
        rule = f"FREQ=DAILY;BYHOUR={hour};BYMINUTE={minute}"
        for dst in Dst:
            spec = parse({"rrule": rule, "timezone": zone}, dst=dst)
            found = occurrences(spec, jump - AROUND - SECOND, jump + AROUND)
            assert found == clock.runs(f"{minute} {hour} * * *", dst), (
                f"{rule} in {zone} with {dst} at {jump}"
            )


def test_the_oracle_knows_the_transitions_that_people_know():
    ceuta = zones_with_transitions()["Africa/Ceuta"]
    assert ceuta[0] == datetime(2020, 3, 29, 1, tzinfo=UTC)
    assert len(ceuta) == 42
