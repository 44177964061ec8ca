"""When a schedule changes: where its next revision goes on from."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from chalicelib.domain.deployments import ScheduleRecord, spec_of
from chalicelib.domain.schedules import next_after, occurrences, runs_at

_ONE = timedelta(microseconds=1)


def next_due(
    before: ScheduleRecord | None, after: ScheduleRecord, waiting: Iterable[datetime], now: datetime
) -> datetime | None:
    """The first occurrence that the revision `after` answers for; None if it is paused or there is none.

    That is the earliest it has in common with the revision before which nobody has started, or made, by now:
    catch-up decides about it and what came after it. Where nothing is owed it is the next to come. `waiting` are
    the occurrences whose runs wait.
    """
    if not after.active or after.deleted:
        return None
    spec = spec_of(after)
    owed = [instant for instant in waiting if instant <= now]
    if before and is_going(before) and before.next_due:
        owed += occurrences(spec_of(before), before.next_due - _ONE, now)
    first = next((instant for instant in sorted(owed) if runs_at(spec, instant)), None)
    return first or next_after(spec, now)


def is_going(schedule: ScheduleRecord) -> bool:
    """Whether it makes runs."""
    return schedule.active and not schedule.deleted
