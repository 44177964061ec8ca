"""The text of a recurrence (DTSTART, RRULE, RDATE, EXDATE) read into a `RuleSet`, mistakes with position."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from chalicelib.domain.schedules import zones
from chalicelib.domain.schedules.mistakes import Mistake
from chalicelib.domain.schedules.rrule_parts import near, read_rule
from chalicelib.domain.schedules.rrule_values import EXAMPLE, Piece, RuleSet, read_time

MAX_LENGTH = 6500
MAX_RULES = 10

_Line = tuple[Piece, list[Piece], Piece]
"""Name, parameters and value of one property."""


def read(text: str, timezone: str | None) -> RuleSet:
    """Read a recurrence, or raise a `Mistake`. Properties may be divided by line ends or spaces.

    Without DTSTART it counts from 2020-01-01T00:00. A zone in TZID must agree with `timezone`. Times in
    UTC (ending in Z) are moved to the wall clock of the zone. An UNTIL or EXDATE that is a mere date
    means that whole day.
    """
    if len(text) > MAX_LENGTH:
        what = f"{len(text)} characters are too many"
        raise Mistake(what, MAX_LENGTH, 1, expected=f"at most {MAX_LENGTH} characters", example=EXAMPLE)
    lines = [_line(Piece(match.group(), match.start())) for match in re.finditer(r"\S+", text)]
    rules = RuleSet(_zone_of(lines, timezone))
    for single, most in (("DTSTART", 1), ("RRULE", MAX_RULES)):
        surplus = [name for name, _, _ in lines if name.text == single][most:]
        if surplus:
            raise surplus[0].wrong(f"{single} is given more than {most} time(s)", f"at most {most}")
    for name, _, value in lines:
        rules = _READERS[name.text](rules, value)
    if not rules.rules and not rules.added:
        raise Mistake("there is no RRULE", 0, len(text), expected="RRULE:FREQ=...", example=EXAMPLE)
    return rules


def _line(piece: Piece) -> _Line:
    """One property; a bare `FREQ=...` is an RRULE."""
    if ":" not in piece.text and "=" in piece.text:
        return Piece("RRULE", piece.at), [], piece
    head, value = piece.halves(":")
    name, *parameters = head.split(";")
    name = name.upper()
    if name.text == "EXRULE":
        raise name.wrong("EXRULE is no longer part of iCalendar", "EXDATE with the times to leave out")
    if name.text not in _READERS:
        raise name.wrong(f"{name.text!r} is not known{near(name.text, _READERS)}", ", ".join(_READERS))
    for parameter in parameters:
        key, setting = (half.upper() for half in parameter.halves("="))
        if key.text != "TZID" and (key.text, setting.text) not in {("VALUE", "DATE"), ("VALUE", "DATE-TIME")}:
            raise parameter.wrong(
                f"{parameter.text!r} is not known", "TZID=..., VALUE=DATE or VALUE=DATE-TIME"
            )
    return name, parameters, value


def _zone_of(lines: list[_Line], timezone: str | None) -> str:
    """The one zone that the option and all TZID parameters agree on; UTC if none is named."""
    for _, parameters, _ in lines:
        for parameter in parameters:
            key, value = parameter.halves("=")
            if key.text.upper() != "TZID":
                continue
            try:
                zones.check(value.text)
            except Mistake as mistake:
                raise value.wrong(mistake.what, mistake.expected) from None
            if timezone not in {None, value.text}:
                raise value.wrong(f"TZID {value.text} and time zone {timezone} differ", "one time zone")
            timezone = value.text
    return timezone or "UTC"


def _start(rules: RuleSet, value: Piece) -> RuleSet:
    return replace(rules, start=read_time(value, rules.timezone)[0])


def _rule(rules: RuleSet, value: Piece) -> RuleSet:
    return replace(rules, rules=(*rules.rules, read_rule(value, rules.timezone)))


def _added(rules: RuleSet, value: Piece) -> RuleSet:
    times = {read_time(piece, rules.timezone)[0] for piece in value.split(",")}
    return replace(rules, added=tuple(sorted(times.union(rules.added))))


def _excluded(rules: RuleSet, value: Piece) -> RuleSet:
    times = [read_time(piece, rules.timezone) for piece in value.split(",")]
    return replace(
        rules,
        excluded=rules.excluded.union(wall for wall, whole_day in times if not whole_day),
        excluded_days=rules.excluded_days.union(wall.date() for wall, whole_day in times if whole_day),
    )


_READERS: dict[str, Callable[[RuleSet, Piece], RuleSet]] = {
    "DTSTART": _start,
    "RRULE": _rule,
    "RDATE": _added,
    "EXDATE": _excluded,
}
