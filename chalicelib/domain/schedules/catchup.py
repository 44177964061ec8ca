"""Which occurrences that were not started in time are skipped, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

LATE_AFTER = timedelta(seconds=15)
"""A run that waits longer than this past its time is called Late."""

MISSED_AFTER = timedelta(seconds=60)
"""Under catch-up `none`, waiting for a free slot for so long is no reason to skip a run; longer is."""


class CatchUp(StrEnum):
    """What becomes of occurrences whose time passed while nothing could start them."""

    LATEST = "latest"
    ALL = "all"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Skip:
    """An occurrence that must not start any more, with the reason for people."""

    due: datetime
    reason: str


def is_late(due: datetime, now: datetime) -> bool:
    """Whether a run that is still SCHEDULED counts as Late."""
    return now - due > LATE_AFTER


def to_skip(
    due: Iterable[datetime], now: datetime, *, catchup: CatchUp | str, max_lateness: float | None = None
) -> list[Skip]:
    """Choose among the unstarted occurrences of one schedule, given by when each was to start.

    `max_lateness` (seconds) skips what is later than that, whatever the policy. `latest` also skips all
    but the last one that is due; `none` moreover skips that one when it is late by more than a minute;
    `all` skips nothing else. Occurrences still to come are never skipped.
    """
    past = sorted(moment for moment in due if moment <= now)
    policy = CatchUp(catchup)
    reasons = ((moment, _reason(moment, past[-1], now, policy, max_lateness)) for moment in past)
    return [Skip(moment, reason) for moment, reason in reasons if reason is not None]


def _reason(
    due: datetime, last: datetime, now: datetime, policy: CatchUp, max_lateness: float | None
) -> str | None:
    late = now - due
    if max_lateness is not None and late.total_seconds() > max_lateness:
        return f"{late.total_seconds():.0f} s late; its schedule allows {max_lateness:g} s"
    if policy is CatchUp.ALL:
        return None
    if due != last:
        later = f"a later occurrence ({last.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC) was due as well"
        return f"{later}, and its schedule runs only the latest (catch-up: {policy})"
    if policy is CatchUp.NONE and late > MISSED_AFTER:
        return f"missed by {late.total_seconds():.0f} s; its schedule does not catch up"
    return None
