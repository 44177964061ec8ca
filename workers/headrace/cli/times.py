"""Reads durations (`90s`, `2h30m`) and moments (ISO 8601), and writes both for people."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

from headrace.cli.errors import BadUsage

if TYPE_CHECKING:
    from headrace.contract.flow_runs import FlowRun

SECONDS = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}
LONGEST = timedelta(days=3660)

_PART = re.compile(r"(\d+(?:\.\d+)?)([wdhms])")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_DURATION_HINT = "Write it like 90s, 5m, 2h30m or 1d."
_MOMENT_HINT = "Write it like 2026-05-31T09:00, 2026-05-31T09:00+02:00 or 'in 5m'."


def parse_duration(text: str, option: str = "the duration") -> timedelta:
    """Read `5m`, `2h30m`, `1.5h`, `1d` or plain seconds."""
    compact = text.strip().lower().replace(" ", "")
    seconds = float(compact) if _NUMBER.fullmatch(compact) else _add_parts(compact)
    if seconds is None:
        raise BadUsage(f"{option}: {text!r} is not a duration.", _DURATION_HINT)
    if seconds > LONGEST.total_seconds():
        raise BadUsage(f"{option}: {text!r} is longer than ten years.", _DURATION_HINT)
    return timedelta(seconds=seconds)


def _add_parts(text: str) -> float | None:
    """Add up number-and-unit pairs, each unit once and the greater first; `None` if it is anything else."""
    parts = _PART.findall(text)
    units = [SECONDS[unit] for _, unit in parts]
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    if units != sorted(set(units), reverse=True):
        return None
    return sum(float(number) * SECONDS[unit] for number, unit in parts)


def parse_moment(text: str, option: str, now: datetime, zone: tzinfo | None = None) -> datetime:
    """Read an ISO 8601 time, or `in 5m` counted from `now`; one without a zone is `zone`'s, or this machine's."""
    stripped = text.strip()
    if stripped.lower().startswith("in "):
        return now + parse_duration(stripped[3:], option)
    if stripped.lower() == "now":
        return now
    try:
        moment = datetime.fromisoformat(stripped)
    except ValueError:
        raise BadUsage(f"{option}: {text!r} is not a time.", _MOMENT_HINT) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    try:
        return moment.astimezone(UTC)
    except (OverflowError, OSError):
        raise BadUsage(f"{option}: {text!r} is outside the calendar.", _MOMENT_HINT) from None


def show_duration(seconds: float) -> str:
    """`0.42s`, `7.1s`, `3m 12s`, `2h 05m`, `4d 3h`."""
    if seconds < 60:
        return f"{seconds:.2f}s" if seconds < 1 else f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    if whole < 86_400:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{whole // 86_400}d {whole % 86_400 // 3600}h"


def show_run_time(run: FlowRun) -> str:
    """How long a run's code ran, in all its attempts and without the waits between them; empty if it never began."""
    return show_duration(run.total_run_time) if run.start_time else ""


def show_ago(moment: datetime | None, now: datetime) -> str:
    """How long ago, or in how long: `just now`, `12s ago`, `in 5m 00s`; `-` for never."""
    if moment is None:
        return "-"
    seconds = (now - moment).total_seconds()
    if abs(seconds) < 1:
        return "just now"
    length = show_duration(float(round(abs(seconds)))).replace(".0s", "s")
    return f"{length} ago" if seconds > 0 else f"in {length}"


def show_moment(moment: datetime | None) -> str:
    """A time in this machine's zone, which it names, to the second; `-` for none."""
    return "-" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
