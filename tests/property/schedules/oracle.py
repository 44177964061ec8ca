"""What a cron schedule should do, found by looking at the clock on the wall each minute.

Written from the rules in docs/decisions/0003-daylight-saving.md, and from nothing in `chalicelib`: it shares
neither the parser nor the mapping of times with it.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
STEP = timedelta(days=7)
"""No zone changes its clock twice within a week in these years; looking daily finds the same transitions."""
FIRST_YEAR, LAST_YEAR = 2020, 2040


@lru_cache(maxsize=1)
def zones_with_transitions() -> dict[str, tuple[datetime, ...]]:
    """One zone for each list of transitions from 2020 to 2040, with the first instants of the new offsets."""
    by_data: dict[bytes, str] = {}
    root = files("tzdata") / "zoneinfo"
    for name in sorted((files("tzdata") / "zones").read_text(encoding="utf-8").split()):
        by_data.setdefault(root.joinpath(*name.split("/")).read_bytes(), name)
    by_transitions: dict[tuple[object, ...], str] = {}
    for name in by_data.values():
        by_transitions.setdefault(_transitions(ZoneInfo(name)), name)
    return {name: tuple(moment for moment, *_ in found) for found, name in by_transitions.items()}


def _transitions(zone: ZoneInfo) -> tuple[tuple[datetime, timedelta, timedelta], ...]:
    found = []
    day = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
    before = day.astimezone(zone).utcoffset()
    while day.year <= LAST_YEAR:
        later = day + STEP
        after = later.astimezone(zone).utcoffset()
        if after != before:
            low, high = 0, STEP // MINUTE
            while high - low > 1:
                middle = (low + high) // 2
                if (day + middle * MINUTE).astimezone(zone).utcoffset() == before:
                    low = middle
                else:
                    high = middle
            found.append((day + high * MINUTE, before, after))
        day, before = later, after
    return tuple(found)


class WallClock:
    """The clock of one zone over some hours, minute by minute."""

    def __init__(self, zone: str, begin: datetime, end: datetime) -> None:
        info = ZoneInfo(zone)
        self.begin, self.end = begin, end
        self._matched: dict[str, list[datetime]] = {}
        self.instants: defaultdict[datetime, list[datetime]] = defaultdict(list)
        self.missing: dict[datetime, datetime] = {}
        shown = []
        moment = begin
        while moment <= end:
            shown.append((moment, moment.astimezone(info).replace(tzinfo=None, fold=0)))
            moment += MINUTE
        for moment, wall in shown:
            self.instants[wall].append(moment)
        for (_, wall), (later, next_wall) in pairwise(shown):
            skipped = wall + MINUTE
            while skipped < next_wall:
                self.missing[skipped] = later
                skipped += MINUTE

    def runs(self, cron: str, dst: str) -> list[datetime]:
        """All runs of a cron schedule in the hours that this clock covers."""
        fields = [_numbers(field, *bounds) for field, bounds in zip(cron.split(), _BOUNDS, strict=True)]
        every_hour = len(fields[1]) == 24
        found = set()
        for wall in self._matching(cron, fields):
            instants = self.instants.get(wall)
            if instants is None:
                if dst != "skip" and not every_hour:
                    found.add(self.missing[wall])
            elif every_hour or dst == "both":
                found.update(instants)
            else:
                found.add(instants[-1 if dst == "second" else 0])
        return sorted(found)

    def _matching(self, cron: str, fields: list[set[int]]) -> list[datetime]:
        """Wall-clock times, shown or missing, that an expression names; kept, as all choices ask for them."""
        if cron not in self._matched:
            walls = [*self.instants, *self.missing]
            self._matched[cron] = [wall for wall in walls if _matches(wall, fields)]
        return self._matched[cron]


_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))


def _numbers(field: str, low: int, high: int) -> set[int]:
    numbers: set[int] = set()
    for term in field.split(","):
        base, _, step = term.partition("/")
        if base == "*":
            first, last = low, high
        else:
            first, last = (int(part) for part in (base.split("-") * 2)[:2])
        numbers.update(range(first, last + 1, int(step or 1)))
    return numbers


def _matches(wall: datetime, fields: list[set[int]]) -> bool:
    """Only expressions that restrict at most one of day of month and day of week are used here."""
    minute, hour, day, month, weekday = fields
    return (
        wall.minute in minute
        and wall.hour in hour
        and wall.day in day
        and wall.month in month
        and wall.isoweekday() % 7 in weekday
    )
