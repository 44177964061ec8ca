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
CUT = 0.25
"""The share of comparisons that is repeated from a moment in the middle."""
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
        clock = WallClock(zone, jump - AROUND, jump + AROUND)
        inside, *others = expressions(zone, jump)
        for cron in [inside, *dice.sample(others, SAMPLE)]:
            for dst in Dst:
                check(clock, cron, {"cron": cron, "timezone": zone}, dst, dice)
        minute, hour, *_ = inside.split()
        rule = f"FREQ=DAILY;BYHOUR={hour};BYMINUTE={minute}"
        for dst in Dst:
            check(clock, inside, {"rrule": rule, "timezone": zone}, dst, dice)


def check(clock: WallClock, cron: str, schedule: dict[str, object], dst: Dst, dice: random.Random) -> None:
    """Compare a schedule, which means the same as `cron`, over all the hours of a clock and a part of them."""
    spec = parse(schedule, dst=dst)
    expected = clock.runs(cron, dst)
    where = f"{schedule} with {dst} from {clock.begin}"
    assert occurrences(spec, clock.begin - SECOND, clock.end) == expected, where
    if dice.random() < CUT:
        middle = clock.begin + dice.random() * (clock.end - clock.begin)
        rest = [moment for moment in expected if moment > middle]
        assert occurrences(spec, middle, clock.end) == rest, f"{where}, after {middle}"
        assert not rest or next_after(spec, middle) == rest[0], f"{where}, after {middle}"


def test_the_oracle_knows_the_transitions_that_people_know():
    ceuta = zones_with_transitions()["Africa/Ceuta"]
    assert ceuta[0] == datetime(2020, 3, 29, 1, tzinfo=UTC)
    assert len(ceuta) == 42
