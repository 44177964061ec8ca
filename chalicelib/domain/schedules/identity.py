"""Which run an occurrence is, and when exactly it starts: the same at every computation."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5


def occurrence_id(deployment_id: UUID, slug: str, instant: datetime) -> UUID:
    """The id of the one run of a schedule's occurrence. `instant` is the time before jitter."""
    return uuid5(deployment_id, f"{slug}@{_text(instant)}")


def jittered(instant: datetime, jitter_seconds: float, key: str) -> datetime:
    """`instant` plus 0 to `jitter_seconds`, drawn once and for all from `key` and the instant.

    Schedules with different keys spread; the same one starts at the same millisecond whoever computes it.
    """
    if jitter_seconds <= 0:
        return instant
    digest = hashlib.sha256(f"{key}@{_text(instant)}".encode()).digest()
    fraction = int.from_bytes(digest[:8]) / 2**64
    return instant + timedelta(milliseconds=int(fraction * jitter_seconds * 1000))


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="microseconds")
