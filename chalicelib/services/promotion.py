"""The tick's round of the lines: of every limit's, and of those for which runs may wait since it was lifted.

A line is looked at while a limit is set, and for a while after it was removed or its deployment resumed. No
others can have runs that may start, so deployments without a limit cost nothing. What does not fit into the
time of one tick is gone on with by the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from chalicelib.services.lines import Lines
from chalicelib.services.ports import Ports
from chalicelib.storage.run_lanes import line_lane

ROUNDS = 40
"""Batches of a line that one tick promotes."""
KEPT_IN_MIND = timedelta(hours=1)
"""So long the line of a lifted limit is looked at: a claim that began before may still send a run there."""


class Promotion:
    """Promotes line after line."""

    def __init__(self, ports: Ports, lines: Lines) -> None:
        self._ports = ports
        self._lines = lines
        self._lifted: dict[str, datetime] = {}

    def round(self, limits: Sequence[str], last: str) -> list[str]:
        """All lines to look at, those first that the last tick did not come to: it ended with `last`."""
        self._lifted = dict(self._ports.slots.removed())
        names = sorted({*limits, *self._lifted})
        return [name for name in names if name > last] + [name for name in names if name <= last]

    def promote(self, name: str, until: datetime) -> None:
        """As many of one line as may start; a lifted limit that nobody waits for is forgotten in the end."""
        if self._ports.runs.lane(line_lane(name), limit=1):
            for _ in range(ROUNDS):
                if not self._lines.top_up(name) or self._ports.clock() >= until:
                    break
        elif name in self._lifted and self._ports.clock() - self._lifted[name] > KEPT_IN_MIND:
            self._ports.slots.forget(name)

    def stopped_at(self, name: str, last: str) -> None:
        """The round ended with this line, and the one before with `last`; with none, it was done to its end."""
        if name != last:
            self._ports.watermark.note_line(name)
