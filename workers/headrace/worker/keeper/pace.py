"""How often a pipe is read: one that always has something new rests in between, so that more comes at once.

A run that prints a million lines would wake the keeper for each of them, and the run's processor time and the
keeper's would be missing where other runs start.
"""

from __future__ import annotations

READS = 50
WITHIN = 0.1
REST = 0.01
"""Seconds. Meanwhile the pipe fills; then the run waits."""


class Pace:
    """Of one pipe."""

    def __init__(self) -> None:
        self._since = 0.0
        self._reads = 0

    def rest(self, now: float) -> float:
        """It was read: until when to leave it alone, 0 for not at all."""
        if now - self._since > WITHIN:
            self._since, self._reads = now, 0
        self._reads += 1
        if self._reads <= READS:
            return 0.0
        self._reads = 0
        return now + REST
