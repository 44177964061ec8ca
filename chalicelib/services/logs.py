"""Log records: stored in batches, read in pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from chalicelib.domain.logs import LogRow, Record
from chalicelib.services.ports import Ports
from chalicelib.services.runs import Runs

BATCH = 2000
"""Records in one stored chunk."""
LOOKED_AT = 2000
"""Records that one page looks at for those that its filter lets through."""


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which records of a run, and from where."""

    run: UUID
    limit: int
    after_place: str | None = None
    skip: int = 0
    forward: bool = True
    level_from: int | None = None
    level_to: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    task_run_ids: frozenset[UUID] | None = None

    def wants(self, row: LogRow) -> bool:
        """Whether the filter lets this record through."""
        return (
            (self.level_from is None or row.level >= self.level_from)
            and (self.level_to is None or row.level <= self.level_to)
            and (self.since is None or row.at >= self.since)
            and (self.until is None or row.at <= self.until)
            and (self.task_run_ids is None or row.task_run_id in self.task_run_ids)
        )


class Logs:
    """Use cases of log records."""

    def __init__(self, ports: Ports, runs: Runs) -> None:
        self._ports = ports
        self._runs = runs

    def store(self, records: Sequence[tuple[UUID, Record]]) -> None:
        """Store records that a client sends by itself; the same batch twice is stored once."""
        by_run: dict[UUID, list[Record]] = {}
        for run, record in records:
            by_run.setdefault(run, []).append(record)
        now, until = self._ports.clock(), self._runs.retention()
        for run, rows in by_run.items():
            for start in range(0, len(rows), BATCH):
                batch = rows[start : start + BATCH]
                digest = sha256(repr(batch).encode()).hexdigest()[:12]
                self._ports.logs.append(run, 0, digest, batch, now=now, kept_until=until)

    def page(self, query: LogQuery) -> tuple[list[LogRow], str | None]:
        """A page of records, and where to go on (None at the end). A filter may leave a page short.

        The log goes with its run: of one that is over its retention there is none, nor in a new run of its id.
        """
        created = self._ports.runs.created(query.run)
        if created is None:
            return [], None
        found: list[LogRow] = []
        place, looked, skip = query.after_place, 0, query.skip
        while len(found) < query.limit and looked < LOOKED_AT + query.skip:
            rows, after = self._ports.logs.page(query.run, created, place, query.limit, query.forward)
            looked += len(rows)
            for row in rows:
                place = row.place
                if query.wants(row) and skip:
                    skip -= 1
                elif query.wants(row):
                    found.append(row)
                    if len(found) == query.limit:
                        return found, place
            if after is None:
                return found, None
            place = after
        return found, place
