"""The clock of leases: it runs on while the machine sleeps, wherever the system has such a clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def boottime() -> float:
    """Seconds since the machine started, time asleep included; the same in all its processes.

    CLOCK_BOOTTIME is Linux's. Elsewhere the monotonic clock stands in: it is common to all processes, too,
    but macOS stops it during sleep, so there a laptop that wakes up learns from the next sync that its
    lease is over.
    """
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


def now_iso() -> str:
    """The time of day, as events carry it."""
    return datetime.now(UTC).isoformat()
