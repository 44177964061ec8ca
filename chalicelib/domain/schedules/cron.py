"""Cron expressions: five fields, checked here with positions, walked by cronsim on a clock without zones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

from chalicelib.domain.schedules.mistakes import Mistake

if TYPE_CHECKING:
    from cronsim import CronSim

EXAMPLE = "`30 4 * * MON-FRI`, at 04:30 from Monday to Friday"

MAX_LENGTH = 500

_WORDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_ANY_YEAR = datetime(2000, 1, 1)  # noqa: DTZ001 - wall-clock times have no zone here


@dataclass(frozen=True, slots=True)
class _Field:
    """One of the five fields: its bounds, and the names that may stand for its numbers."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    first_name: int = 0

    @property
    def expected(self) -> str:
        """What may stand here, in words."""
        words = f" or {self.names[0]}-{self.names[-1]}" if self.names else ""
        return f"{self.low}-{self.high}{words}, *, lists (1,5), ranges (1-5) or steps (*/5)"

    def wrong(self, what: str, at: int, text: str) -> Mistake:
        """A mistake in this field."""
        return Mistake(f"{self.name}: {what}", at, len(text), expected=self.expected, example=EXAMPLE)


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _MONTHS, 1),
    _Field("day of week", 0, 7, _DAYS),
)


@dataclass(frozen=True, slots=True)
class Cron:
    """A checked expression. `every_hour` tells that its hour field names all 24 hours."""

    fields: str
    every_hour: bool
    day_or: bool

    def walls(self, start: datetime) -> Iterator[datetime]:
        """Wall-clock times from `start` on, ascending; ends where none follows within 50 years."""
        return _walk(self.fields, start - timedelta(seconds=1), day_or=self.day_or)


@lru_cache(maxsize=1024)
def read(text: str, *, day_or: bool) -> Cron:
    """Check an expression and return it, or raise a `Mistake`.

    `day_or` is what cron does when day of month and day of week are both restricted (neither begins
    with `*`): either may match. False asks for both to match.
    """
    from cronsim import CronSimError  # needed by cron schedules alone, and most requests have none

    if len(text) > MAX_LENGTH:
        what = f"{len(text)} characters are too many"
        raise Mistake(what, MAX_LENGTH, 1, expected=f"at most {MAX_LENGTH} characters", example=EXAMPLE)
    fields = _expanded(text) if text.lstrip().startswith("@") else _checked(text)
    try:
        simulation = _walk(fields, _ANY_YEAR, day_or=day_or)
        next(simulation)
    except (CronSimError, StopIteration):
        # All else was checked above: what is left is a day that none of the months has
        raise _never(text) from None
    return Cron(fields, simulation.hours == set(range(24)), day_or)


def _walk(fields: str, after: datetime, *, day_or: bool) -> CronSim:
    from cronsim import CronSim

    simulation = CronSim(fields, after)
    if not day_or:
        simulation.day_and = True
    return simulation


def _expanded(text: str) -> str:
    """The five fields of a word such as `@daily`."""
    word = text.strip()
    fields = _WORDS.get(word.lower())
    if fields is None:
        advice = {"@reboot": "nothing boots here", "@every": "use an interval schedule for a fixed distance"}
        reason = advice.get(word.split()[0].lower(), "this word is not known")
        raise Mistake(
            f"{reason}: {word!r}", text.index(word), len(word), expected=", ".join(_WORDS), example="`@daily`"
        )
    return fields


def _checked(text: str) -> str:
    """The five fields, as cronsim reads what they say."""
    parts = [(match.group(), match.start()) for match in re.finditer(r"\S+", text)]
    if "=" in text:
        raise Mistake(
            "a time zone or variable cannot stand in the expression; use the option `timezone`",
            parts[0][1],
            len(parts[0][0]),
            expected="five fields",
            example=EXAMPLE,
        )
    if len(parts) != len(_FIELDS):
        raise _wrong_count(text, parts)
    fields = []
    for field, (part, at) in zip(_FIELDS, parts, strict=True):
        terms = part.split(",")
        places = accumulate((len(term) + 1 for term in terms), initial=at)
        fields.append(",".join(_checked_term(field, *one) for one in zip(terms, places, strict=False)))
    return " ".join(fields)


def _wrong_count(text: str, parts: list[tuple[str, int]]) -> Mistake:
    expected = "five fields: minute, hour, day of month, month, day of week"
    if len(parts) > len(_FIELDS):
        at = parts[len(_FIELDS)][1]
        advice = "seconds and years are not part of cron; for less than a minute use an interval schedule"
        what = f"{len(parts)} fields instead of five: {advice}"
        return Mistake(what, at, len(text.rstrip()) - at, expected=expected, example=EXAMPLE)
    missing = ", ".join(field.name for field in _FIELDS[len(parts) :])
    what = f"{len(parts)} of five fields, missing: {missing}"
    return Mistake(what, len(text.rstrip()), 1, expected=expected, example=EXAMPLE)


def _checked_term(field: _Field, term: str, at: int) -> str:
    """One member of a list: `*`, a value, a range, either with a step, or one of the special days."""
    if not term:
        raise field.wrong("nothing between the commas", at, " ")
    base, slash, step = term.partition("/")
    if _is_special(field, base, at):
        if slash:
            raise field.wrong(f"a step cannot follow {base!r}", at + len(base), slash + step)
        return term
    if slash:
        _check_step(field, step, at + len(base) + 1)
    if base == "*":
        return term
    first, dash, last = base.partition("-")
    low = _value(field, first, at)
    high = _value(field, last, at + len(first) + 1) if dash else None
    if high is not None and high < low:
        raise field.wrong(f"the range {base} runs backwards; write it as two, with a comma", at, base)
    # A range of one value has no second step; cronsim would take `9-9/3` for `9/3`, from 9 to the field's end.
    return first if high == low else term


def _check_step(field: _Field, step: str, at: int) -> None:
    if not _is_number(step) or int(step) == 0:
        raise field.wrong(f"the step {step!r} is not a number from 1 on", at, step or " ")
    if int(step) > field.high:
        advice = "it would run once per round; use an interval schedule for longer distances"
        raise field.wrong(f"the step {step} is longer than the whole field: {advice}", at, step)


def _is_special(field: _Field, base: str, at: int) -> bool:
    """Whether this is `L` or `LW` (last day, last weekday), `5L` (last Friday) or `FRI#2` (second Friday)."""
    word = base.upper()
    if field.name == "day of month":
        return word in {"L", "LW"}
    if field.name != "day of week":
        return False
    if "#" in word:
        day, _, nth = base.partition("#")
        _value(field, day, at)
        if not _is_number(nth) or not 1 <= int(nth) <= 5:
            raise field.wrong(f"{nth!r} after # is not 1 to 5", at + len(day) + 1, nth or " ")
        return True
    if word.endswith("L") and (word == "L" or word[:-1] in _DAYS):
        number = _DAYS.index(word[:-1]) if word[:-1] else 5
        raise field.wrong(f"write the last {_DAYS[number]} of a month as {number}L", at, base)
    if word.endswith("L") and _is_number(word[:-1]):
        _value(field, base[:-1], at)
        return True
    return False


def _value(field: _Field, text: str, at: int) -> int:
    if text.upper() in field.names:
        return field.names.index(text.upper()) + field.first_name
    if not _is_number(text):
        raise field.wrong(_why_not(text), at, text or " ")
    if not field.low <= int(text) <= field.high:
        raise field.wrong(f"{text} is not in {field.low}-{field.high}", at, text)
    return int(text)


def _why_not(text: str) -> str:
    if not text:
        return "a number is missing"
    if text == "?":
        return "? is not known; write *"
    return f"{text!r} is not a value of this field"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4


def _never(text: str) -> Mistake:
    day, month, weekday = list(re.finditer(r"\S+", text))[2:]
    what = f"day of month {day[0]}, month {month[0]} and day of week {weekday[0]} never meet: it never runs"
    return Mistake(
        what,
        day.start(),
        len(day[0]),
        expected="days that occur in the given months",
        example="`0 0 L 2 *`, on the last day of February",
    )
