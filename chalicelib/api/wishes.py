"""Schedules of requests as the use cases take them."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.services.wishes import Wish
from headrace.contract import schedules as wire

OPTIONS = (
    "active",
    "max_scheduled_runs",
    "parameters",
    "jitter",
    "catchup",
    "max_lateness",
    "overlap",
    "dst",
)


def wishes(schedules: Sequence[wire.ScheduleCreate]) -> list[Wish]:
    """Each schedule as a wish."""
    return [
        Wish(
            spec=spec(schedule.schedule),
            slug=schedule.slug,
            replaces=schedule.replaces,
            options={name: plain(getattr(schedule, name)) for name in OPTIONS},
        )
        for schedule in schedules
    ]


def spec(schedule: wire.AnySchedule) -> dict[str, object]:
    """The inner schedule as JSON values, members without a value left out."""
    return schedule.model_dump(mode="json", exclude_none=True)


def plain(value: object) -> object:
    """An enum's text, everything else as it is."""
    return str(value) if isinstance(value, (wire.CatchUp, wire.Overlap, wire.Dst)) else value
