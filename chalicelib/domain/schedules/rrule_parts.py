"""The parts of one RRULE (`FREQ=WEEKLY;BYDAY=MO,FR`), read one by one, mistakes with their position."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import replace

from chalicelib.domain.schedules import rrule_values as values
from chalicelib.domain.schedules.rrule_values import FREQUENCIES, Piece, Rule, end_of_day, read_time

MAX_COUNT = 10_000
"""A rule with COUNT has to be walked from its start once; this bounds that walk."""

_MAX_INTERVAL = 1_000_000
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_BOUNDS = {
    "BYMONTH": (1, 12, False),
    "BYMONTHDAY": (1, 31, True),
    "BYYEARDAY": (1, 366, True),
    "BYWEEKNO": (1, 53, True),
    "BYHOUR": (0, 23, False),
    "BYMINUTE": (0, 59, False),
    "BYSECOND": (0, 59, False),
    "BYSETPOS": (1, 366, True),
}
"""Lowest and highest number of each list, and whether it may be counted from the end (negative)."""
_ONLY_WITH = {
    "BYWEEKNO": ("YEARLY",),
    "BYYEARDAY": ("YEARLY", "HOURLY", "MINUTELY", "SECONDLY"),
    "BYMONTHDAY": ("YEARLY", "MONTHLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY"),
}
"""RFC 5545, section 3.3.10, the table of BYxxx parts: with the other frequencies they mean nothing."""
_PARTS = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", *_BOUNDS)


def near(name: str, known: Iterable[str]) -> str:
    """A guess at what a misspelt name was to be."""
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {matches[0]}?" if matches else ""


def read_rule(text: Piece, timezone: str) -> Rule:
    """Read the value of an RRULE line, or raise a `Mistake`."""
    parts: dict[str, Piece] = {}
    for piece in Piece(text.text.rstrip(";"), text.at).split(";"):
        name, value = (half.upper() for half in piece.halves("="))
        if name.text not in _PARTS:
            raise name.wrong(
                f"{name.text!r} is not a part of a rule{near(name.text, _PARTS)}", ", ".join(_PARTS)
            )
        if name.text in parts:
            raise name.wrong(f"{name.text} is given twice", f"{name.text} once, with a list where needed")
        if not value.text:
            raise name.wrong(f"{name.text} has no value", f"{name.text}=...")
        parts[name.text] = value
    if "FREQ" not in parts:
        raise text.wrong("FREQ is missing", "FREQ=" + ", ".join(FREQUENCIES))
    return _assembled(parts, timezone)


def _assembled(parts: dict[str, Piece], timezone: str) -> Rule:
    rule = Rule(_choice(parts["FREQ"], FREQUENCIES))
    if "INTERVAL" in parts:
        rule = replace(rule, interval=_number(parts["INTERVAL"], 1, _MAX_INTERVAL))
    if "WKST" in parts:
        rule = replace(rule, week_start=_choice(parts["WKST"], _WEEKDAYS))
    if "BYDAY" in parts:
        rule = replace(rule, days=tuple(_day(piece, rule.freq) for piece in parts["BYDAY"].split(",")))
    lists = {name: _numbers(name, parts[name], rule.freq) for name in _BOUNDS if name in parts}
    rule = replace(rule, by=tuple(lists.items()))
    if "BYSETPOS" in parts:
        _check_positions(parts["BYSETPOS"], rule)
    return _ended(rule, parts, timezone)


def _ended(rule: Rule, parts: dict[str, Piece], timezone: str) -> Rule:
    count, until = parts.get("COUNT"), parts.get("UNTIL")
    if count is not None and until is not None:
        raise until.wrong("COUNT and UNTIL exclude each other", "one of the two")
    if count is not None:
        if _is_number(count.text) and int(count.text) > MAX_COUNT:
            raise count.wrong(
                f"COUNT is larger than {MAX_COUNT}", "a smaller COUNT, or UNTIL with the last time"
            )
        return replace(rule, count=_number(count, 1, MAX_COUNT))
    if until is not None:
        wall, whole_day = read_time(until, timezone)
        return replace(rule, until=end_of_day(wall) if whole_day else wall)
    return rule


def _check_positions(piece: Piece, rule: Rule) -> None:
    if not rule.days and all(name == "BYSETPOS" for name, _ in rule.by):
        raise piece.wrong(
            "BYSETPOS chooses among the times of another BY part, and there is none", "BYDAY=... too"
        )


def _numbers(name: str, text: Piece, freq: int) -> tuple[int, ...]:
    allowed = _ONLY_WITH.get(name, FREQUENCIES)
    if FREQUENCIES[freq] not in allowed:
        what = f"{name} has no meaning with FREQ={FREQUENCIES[freq]}"
        raise text.wrong(what, f"{name} with FREQ={', '.join(allowed)}")
    low, high, signed = _BOUNDS[name]
    return tuple(sorted({_number(piece, low, high, signed=signed) for piece in text.split(",")}))


def _number(piece: Piece, low: int, high: int, *, signed: bool = False) -> int:
    digits = piece.text.removeprefix("-" if piece.text.startswith("-") else "+") if signed else piece.text
    expected = f"a number in {low}-{high}" + (
        f", or -{high} to -{low} counted from the end" if signed else ""
    )
    if not _is_number(digits) or not low <= int(digits) <= high:
        raise piece.wrong(f"{piece.text!r} is not {expected}", expected)
    return -int(digits) if piece.text.startswith("-") else int(digits)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9


def _choice(piece: Piece, known: tuple[str, ...]) -> int:
    if piece.text not in known:
        raise piece.wrong(
            f"{piece.text!r} is not known{near(piece.text, known)}", "one of " + ", ".join(known)
        )
    return known.index(piece.text)


def _day(piece: Piece, freq: int) -> tuple[int, int]:
    """`FR`, or with a month or year `2FR` (the second) and `-1FR` (the last)."""
    match = re.fullmatch(r"([+-]?\d{1,2})?([A-Z]{2})", piece.text, re.ASCII)
    if match is None or match[2] not in _WEEKDAYS:
        raise piece.wrong(f"{piece.text!r} is not a day of the week", "MO, TU, WE, TH, FR, SA, SU, or -1FR")
    nth = int(match[1] or 0)
    if match[1] and (nth == 0 or abs(nth) > 53):
        raise piece.wrong(f"{match[1]} in {piece.text!r} does not count days", "1 to 53 or -53 to -1")
    if match[1] and freq > values.MONTHLY:
        what = f"the number in {piece.text!r} has no meaning with FREQ={FREQUENCIES[freq]}"
        raise piece.wrong(what, f"{match[2]}, or FREQ=MONTHLY")
    return _WEEKDAYS.index(match[2]), nth
