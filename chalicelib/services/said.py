"""What a worker says in one sync, and what it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from chalicelib.domain.logs import Record
from chalicelib.domain.pools import PoolView
from chalicelib.domain.reports import Applied, Told
from chalicelib.services.grants import Granted


@dataclass(frozen=True, slots=True)
class Said:
    """One sync, as the use case sees it."""

    session: UUID
    seq: int
    slots: int
    want: int
    held: Mapping[UUID, int] = field(default_factory=dict)
    hints: Sequence[UUID] = ()
    reports: Sequence[tuple[UUID, Told]] = ()
    logs: Sequence[tuple[UUID, int, int, Sequence[Record]]] = ()
    pool_revision: int | None = None
    heard: int | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """What the worker is told. `cancel`: runs it shall end; `drain`: to leave; `view`: if the pool was looked at.

    `queues` are the names in `view` that it serves: doorbells of others are not for it to hear.
    `has_more`: not all that waits was looked at, and slots are free. It shall ask again at once.
    """

    lease_seconds: float
    pool_revision: int
    view: PoolView | None = None
    queues: Sequence[str] = ()
    granted: Sequence[Granted] = ()
    hints: Mapping[UUID, str] = field(default_factory=dict)
    verdicts: Sequence[tuple[UUID, Told, Applied]] = ()
    cancel: Sequence[tuple[UUID, int]] = ()
    fenced: Sequence[tuple[UUID, int]] = ()
    drain: bool = False
    has_more: bool = False
