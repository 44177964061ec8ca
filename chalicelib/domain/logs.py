"""Log records of runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5


@dataclass(frozen=True, slots=True)
class LogRow:
    """One record, with its place: chunk and index in it."""

    run: UUID
    place: str
    at: datetime
    level: int
    name: str
    message: str
    task_run_id: UUID | None = None

    @property
    def id(self) -> UUID:
        """Derived from the place, so that a repeated read gives the same."""
        return uuid5(self.run, self.place)


@dataclass(frozen=True, slots=True)
class Record:
    """One record to be written."""

    at: datetime
    level: int
    name: str
    message: str
    task_run_id: UUID | None = None
