"""A recurrence of RFC 5545 as values, and pieces of its text that know their place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from chalicelib.domain.schedules.mistakes import Mistake

EXAMPLE = "`DTSTART:20250101T090000 RRULE:FREQ=WEEKLY;BYDAY=MO,FR`, Mondays and Fridays at 09:00"

FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY")
"""In dateutil's order: its constants are these positions."""
YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY, MINUTELY, SECONDLY = range(7)

YEARS = range(1970, 2200)
"""Years that a start, an end or an exception may lie in."""
_DEFAULT_START = datetime(2020, 1, 1)  # noqa: DTZ001 - wall-clock times have no zone here
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rule:
    """One RRULE. `by` holds the lists of numbers by their RFC names; `days` are (weekday, nth or 0)."""

    freq: int
    interval: int = 1
    count: int | None = None
    until: datetime | None = None
    week_start: int = 0
    by: tuple[tuple[str, tuple[int, ...]], ...] = ()
    days: tuple[tuple[int, int], ...] = ()

    def numbers(self, name: str) -> tuple[int, ...] | None:
        """The list given for one of the BY parts, or None."""
        return dict(self.by).get(name)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules with their start, added and excluded times, all on the wall clock of `timezone`."""

    timezone: str
    start: datetime = _DEFAULT_START
    rules: tuple[Rule, ...] = ()
    added: tuple[datetime, ...] = ()
    excluded: frozenset[datetime] = frozenset()
    excluded_days: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the text, with its place in the whole."""

    text: str
    at: int

    def split(self, separator: str) -> list[Piece]:
        """The parts between separators."""
        pieces, at = [], self.at
        for part in self.text.split(separator):
            pieces.append(Piece(part, at))
            at += len(part) + len(separator)
        return pieces

    def halves(self, separator: str) -> tuple[Piece, Piece]:
        """What stands before and after the first separator."""
        left, _, right = self.text.partition(separator)
        return Piece(left, self.at), Piece(right, min(self.at + len(left) + 1, self.at + len(self.text)))

    def upper(self) -> Piece:
        """The same in capitals."""
        return Piece(self.text.upper(), self.at)

    def wrong(self, what: str, expected: str) -> Mistake:
        """A mistake at this place."""
        return Mistake(what, self.at, len(self.text), expected=expected, example=EXAMPLE)


def read_time(piece: Piece, timezone: str) -> tuple[datetime, bool]:
    """A DATE or DATE-TIME as a wall-clock time of the zone, and whether it is a mere date."""
    expected = "a time such as 20250131T090000, 20250131T090000Z (UTC) or a date such as 20250131"
    match = _TIME.fullmatch(piece.text.upper())
    if match is None:
        raise piece.wrong(f"{piece.text!r} is not a time", expected)
    *numbers, zulu = match.groups()
    try:
        wall = datetime(*(int(number or 0) for number in numbers))  # type: ignore[arg-type]  # noqa: DTZ001
    except ValueError as error:
        raise piece.wrong(f"{piece.text!r} is not a time: {error}", expected) from None
    if wall.year not in YEARS:
        raise piece.wrong(f"the year {wall.year} is too far away", f"a year in {YEARS[0]}-{YEARS[-1]}")
    if zulu:
        wall = wall.replace(tzinfo=UTC).astimezone(ZoneInfo(timezone)).replace(tzinfo=None)
    return wall, numbers[3] is None


def end_of_day(wall: datetime) -> datetime:
    """The last second of a date."""
    return datetime.combine(wall.date(), time(23, 59, 59))
