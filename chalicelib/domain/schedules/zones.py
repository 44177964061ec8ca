"""Time zones: their names, and the instants at which a clock on the wall shows a given time."""

from __future__ import annotations

import difflib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from chalicelib.domain.schedules.mistakes import Mistake

_SHIFT_SPAN = timedelta(hours=26)
"""No clock was ever put back by more than this; the largest shift on record is 24 hours."""

_RESOLUTION = timedelta(seconds=1)


class Dst(StrEnum):
    """Which of two equal wall-clock times a schedule takes, and what becomes of a missing one.

    `first`, `second` and `both` choose among repeated times; with these a missing time runs at the
    instant the clock jumps. `skip` takes the first and drops missing times.
    """

    FIRST = "first"
    SECOND = "second"
    BOTH = "both"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Reading:
    """How wall-clock times become instants: which of two equal ones count, and whether a missing one does."""

    first: bool
    second: bool
    missing: bool


READINGS = {
    Dst.FIRST: Reading(first=True, second=False, missing=True),
    Dst.SECOND: Reading(first=False, second=True, missing=True),
    Dst.BOTH: Reading(first=True, second=True, missing=True),
    Dst.SKIP: Reading(first=True, second=False, missing=False),
}
AS_SHOWN = Reading(first=True, second=True, missing=False)
"""Every instant at which the clock shows such a time, and no other."""


@lru_cache(maxsize=1)
def names() -> frozenset[str]:
    """The names of the IANA data, read from the `tzdata` package: the same ones on every platform."""
    return frozenset((files("tzdata") / "zones").read_text(encoding="utf-8").split())


def check(name: str) -> str:
    """Return the name of a time zone, or raise a `Mistake` that suggests the nearest ones."""
    if name in names():
        return name
    folded = {known.lower(): known for known in names()}
    near = difflib.get_close_matches(name.strip().lower().replace(" ", "_"), folded, n=3, cutoff=0.6)
    advice = f"; did you mean {' or '.join(folded[match] for match in near)}?" if near else ""
    raise Mistake(
        f"{name!r} is not a time zone{advice}",
        0,
        len(name),
        expected="the IANA name of a time zone",
        example="Europe/Berlin",
    )


def earliest_wall(zone: ZoneInfo, after: datetime) -> datetime:
    """A wall-clock time before which no later instant than `after` lies, also when the clock is put back."""
    now = after.astimezone(zone).replace(tzinfo=None)
    ahead = (after + _SHIFT_SPAN).astimezone(zone).replace(tzinfo=None) - _SHIFT_SPAN
    return min(now, ahead)


def instants(walls: Iterable[datetime], zone: ZoneInfo, reading: Reading) -> Iterator[datetime]:
    """Map ascending wall-clock times to ascending instants in UTC, each once.

    Only the second readings of repeated times come out of order; they wait until no earlier instant
    can follow.
    """
    last: datetime | None = None
    waiting: deque[datetime] = deque()
    for wall in walls:
        first, second, exists = _read(wall, zone)
        ready = []
        while waiting and waiting[0] <= first:
            ready.append(waiting.popleft())
        if not exists:
            ready += [first] if reading.missing else []
        elif second is None or reading.first:
            ready.append(first)
        if second is not None and reading.second:
            waiting.append(second)
        for instant in ready:
            if last is None or instant > last:
                last = instant
                yield instant
    yield from waiting


def _read(wall: datetime, zone: ZoneInfo) -> tuple[datetime, datetime | None, bool]:
    """The instant of a wall-clock time, the second one if it is repeated, and whether it exists.

    For a missing time, the instant is the one at which the clock jumps over it.
    """
    before, after = _offset(wall, zone, 0), _offset(wall, zone, 1)
    instant = (wall - before).replace(tzinfo=UTC)
    if before == after:
        return instant, None, True
    other = (wall - after).replace(tzinfo=UTC)
    if before > after:
        return instant, other, True
    return _jump(other, instant, zone), None, False


def _jump(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """The instant in (`low`, `high`] at which the zone's offset changes."""
    new = high.astimezone(zone).utcoffset()
    while high - low > _RESOLUTION:
        middle = low + (high - low) // 2 // _RESOLUTION * _RESOLUTION
        if middle.astimezone(zone).utcoffset() == new:
            high = middle
        else:
            low = middle
    return high


def _offset(wall: datetime, zone: ZoneInfo, fold: int) -> timedelta:
    offset = wall.replace(tzinfo=zone, fold=fold).utcoffset()
    if offset is None:
        raise ValueError(f"{zone.key} has no offset at {wall}")
    return offset
