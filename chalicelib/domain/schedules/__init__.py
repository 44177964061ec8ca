"""Schedules: expressions, the instants they mean, what identifies an occurrence, and catching up."""

from __future__ import annotations

from chalicelib.domain.schedules.catchup import LATE_AFTER, CatchUp, Skip, is_late, to_skip
from chalicelib.domain.schedules.identity import jittered, occurrence_id
from chalicelib.domain.schedules.occurrences import next_after, occurrences, runs_at
from chalicelib.domain.schedules.spec import Kind, ScheduleSpec, describe, parse
from chalicelib.domain.schedules.zones import Dst

__all__ = [
    "LATE_AFTER",
    "CatchUp",
    "Dst",
    "Kind",
    "ScheduleSpec",
    "Skip",
    "describe",
    "is_late",
    "jittered",
    "next_after",
    "occurrence_id",
    "occurrences",
    "parse",
    "runs_at",
    "to_skip",
]
