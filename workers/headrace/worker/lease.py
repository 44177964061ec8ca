"""Until when this session's runs are its own."""

from __future__ import annotations

from collections.abc import Callable

from headrace.worker.keeper.clock import boottime

NOTICE_SHARE = 0.1
NOTICE_MOST = 10.0


class Lease:
    """Counts from the moment a sync was *sent*: the control plane cannot have begun to count earlier than that."""

    def __init__(self, clock: Callable[[], float] = boottime) -> None:
        self._clock = clock
        self.deadline = 0.0
        self.term_at = 0.0

    def renewed(self, sent_at: float, seconds: float) -> bool:
        """Note an answer's lease; false if it does not reach farther than the one we have."""
        if sent_at + seconds <= self.deadline:
            return False
        self.deadline = sent_at + seconds
        # Children are asked to end a little earlier, so that they are gone by the deadline.
        self.term_at = self.deadline - min(NOTICE_MOST, NOTICE_SHARE * seconds)
        return True

    @property
    def is_ending(self) -> bool:
        """Whether children are asked to end by now, and no step goes on."""
        return self._clock() >= self.term_at

    @property
    def over(self) -> bool:
        """Whether the deadline has passed."""
        return self._clock() >= self.deadline
