"""Candidates of a claim: the rows of queues of one priority, in the one order in which they start.

By due time, then id, over all these queues. A queue's next page is read once its rows before are used up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from uuid import UUID

from chalicelib.domain.runs import Run
from chalicelib.storage.run_lanes import lane_place

Page = list[tuple[UUID, str]]
ReadPage = Callable[[str, str | None, int], Page]
"""Of a queue, after a place, so many rows."""


@dataclass(frozen=True, slots=True)
class Row:
    """A candidate: its place, its queue, and the run itself if it was read already."""

    place: str
    id: UUID
    queue: str
    run: Run | None = None


class Candidates:
    """Rung runs and those of the queues' lanes, each once, until their queue is closed."""

    def __init__(self, hints: Sequence[Run], queues: Iterable[str], read: ReadPage, size: int) -> None:
        self._read = read
        self._size = size
        self._closed: set[str] = set()
        self._known = {run.id for run in hints}
        rung = sorted(
            (Row(lane_place(run), run.id, run.work_queue_name or "", run) for run in hints),
            key=lambda row: row.place,
        )
        lanes = [rung, *(self._rows(queue) for queue in queues)]
        self._merged = merge(*lanes, key=lambda row: row.place)

    def take(self, count: int) -> list[Row]:
        """The next so many, fewer at the end."""
        return list(islice((row for row in self._merged if not self.is_closed(row.queue)), count))

    def close(self, queue: str) -> None:
        """Nothing more of that queue can start now."""
        self._closed.add(queue)

    def is_closed(self, queue: str) -> bool:
        """Whether nothing more of that queue can start now."""
        return queue in self._closed

    def _rows(self, queue: str) -> Iterator[Row]:
        after: str | None = None
        while queue not in self._closed:
            page = self._read(queue, after, self._size)
            yield from (Row(place, run, queue) for run, place in page if run not in self._known)
            if len(page) < self._size:
                return
            after = page[-1][1]
