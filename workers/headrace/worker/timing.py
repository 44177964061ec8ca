"""When the next sync goes out.

A start waits a moment for company, an end goes at once, a busy worker syncs every tenth of a second (`gap_of`), one
with runs in hand at least every `within` seconds, an idle one every `idle` seconds. After a failure the same request
is repeated with exponential backoff and full jitter.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from headrace.client.transport import backoff

COMPANY = 0.25
LOGS_WAIT, LOGS_WAIT_MOST = 0.5, 10.0
LOGS_PATIENCE = 1.0
"""Part of its age that a run's log waits: somebody looks on at first; later each call for a line is only paid for."""
GAP = 0.1
FULL_GAP = 0.25
"""Between syncs of a worker that more work waits for than it has slots: several ends make one request."""
ENOUGH = 4
"""Free slots, at least half of all, for which such a worker syncs without a gap: a request for four runs."""


def logs_wait(age: float) -> float:
    """How long log records wait, from a run of this age."""
    return min(LOGS_WAIT_MOST, max(LOGS_WAIT, age * LOGS_PATIENCE))


def gap_of(free: int, limit: int, *, hungry: bool) -> float:
    """The gap for so many free slots; `hungry`: the last sync gave less than was wanted."""
    if hungry or 2 * free < limit:
        return GAP if hungry else FULL_GAP
    return 0.0 if free >= ENOUGH else GAP


class Timing:
    """Times are of `clock`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due = clock()
        self._sent = clock() - GAP
        self._retry_at: float | None = None
        self._failures = 0
        self.flying = False
        self.away_since: float | None = None

    def now(self) -> float:
        """The time by its clock."""
        return self._clock()

    def soon(self, seconds: float = 0.0) -> None:
        """There is something to say that can wait this long."""
        self._due = min(self._due, self._clock() + seconds)

    def due_at(self, *, crowded: bool, gap: float = GAP) -> float | None:
        """When to send; `None` while an answer is awaited. `crowded`: other runs go on, so batch a little."""
        if self.flying:
            return None
        if self._retry_at is not None:
            return self._retry_at
        return max(self._due, self._sent + gap) if crowded else self._due

    def sent(self) -> None:
        """A request is under way."""
        self.flying = True
        self._sent = self._clock()
        self._retry_at = None
        self._due = float("inf")

    def took(self) -> float:
        """Seconds since the request that is under way was sent."""
        return self._clock() - self._sent

    def answered(self, next_within: float) -> float | None:
        """It was answered; gives for how long the control plane was away, if it was."""
        self.flying = False
        self._failures = 0
        self.soon(max(0.0, self._sent + next_within - self._clock()))
        since, self.away_since = self.away_since, None
        return None if since is None else self._clock() - since

    def failed(self) -> bool:
        """No answer; gives whether that is news."""
        self.flying = False
        self._failures += 1
        self._retry_at = self._clock() + backoff(self._failures, first=0.5, most=10.0)
        news = self.away_since is None
        if news:
            self.away_since = self._clock()
        return news

    def never(self) -> None:
        """Nothing will be sent any more."""
        self.flying = False
        self._retry_at = None
        self._due = float("inf")

    def rejected(self) -> None:
        """It was answered with an error that another request may avoid: send that at once."""
        self.flying = False
        self._failures = 0
        self.soon()
