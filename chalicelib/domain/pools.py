"""Work pools, their queues and workers, and the sessions of workers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from uuid import UUID, uuid5

from chalicelib.domain.names import NAMESPACE


@dataclass(frozen=True, slots=True)
class WorkPool:
    """A typed group of queues. `revision` rises with every change of the pool or of one of its queues.

    `idempotency_key` is what the request that made it said. `template_changed`: since when versions of
    deployments may not fit the job template; None if it never changed.
    """

    name: str
    created: datetime
    updated: datetime
    type: str = "process"
    description: str | None = None
    base_job_template: Mapping[str, object] = field(default_factory=dict)
    is_paused: bool = False
    paused_since: datetime | None = None
    concurrency_limit: int | None = None
    revision: int = 1
    template_changed: datetime | None = None
    idempotency_key: str | None = None

    @property
    def id(self) -> UUID:
        """Derived from the name, so that it needs no look-up."""
        return pool_id(self.name)


@dataclass(frozen=True, slots=True)
class WorkQueue:
    """Part of a pool; priority 1 is served first. `url` is where its doorbells go."""

    work_pool_name: str
    name: str
    created: datetime
    updated: datetime
    url: str
    description: str | None = ""
    priority: int = 1
    is_paused: bool = False
    paused_since: datetime | None = None
    concurrency_limit: int | None = None
    revision: int = 1
    idempotency_key: str | None = None

    @property
    def id(self) -> UUID:
        """Derived from the names, so that it needs no look-up."""
        return queue_id(self.work_pool_name, self.name)

    @property
    def work_pool_id(self) -> UUID:
        """The pool's id."""
        return pool_id(self.work_pool_name)


@dataclass(frozen=True, slots=True)
class PoolView:
    """A pool and its queues by name, as read together."""

    pool: WorkPool
    queues: Mapping[str, WorkQueue]

    def in_order(self) -> list[WorkQueue]:
        """The queues as they are shown: by priority, then by name."""
        return sorted(self.queues.values(), key=lambda queue: (queue.priority, queue.name))

    def by_priority(self) -> list[list[WorkQueue]]:
        """The queues as they are served: those of one priority together, the first priority first."""
        groups = groupby(self.in_order(), key=lambda queue: queue.priority)
        return [list(queues) for _, queues in groups]


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker's name in a pool, and the session it last had."""

    work_pool_name: str
    name: str
    created: datetime
    updated: datetime
    session: UUID | None = None
    host: str = ""
    version: str = ""
    limit: int | None = None
    work_queues: tuple[str, ...] = ()
    heartbeat_interval_seconds: int | None = None

    @property
    def id(self) -> UUID:
        """Derived from the names."""
        return uuid5(NAMESPACE, f"worker/{self.work_pool_name}/{self.name}")


@dataclass(frozen=True, slots=True)
class Session:
    """One start of a worker: who it is, and how long it may keep its runs.

    `held` are the runs it holds or was about to (the intent is written before the claim, so a run too
    many is harmless and one too few cannot be), `intended` when the last intent was written. `orders` are
    runs it has been told to cancel; `is_draining`: it has been told to leave, and is given nothing new.
    `queues` are the queues that it serves, as they were at `pool_revision`: enough to see that nothing waits.
    `owes`: runs were to be granted again for which the last answer had no room.
    """

    id: UUID
    work_pool_name: str
    worker_name: str
    created: datetime
    lease_until: datetime
    seq: int = 0
    is_open: bool = True
    held: frozenset[UUID] = frozenset()
    orders: frozenset[UUID] = frozenset()
    work_queues: tuple[str, ...] = ()
    slots: int = 1
    host: str = ""
    control_queue_url: str = ""
    renewed: datetime | None = None
    intended: datetime | None = None
    closed: datetime | None = None
    queues: tuple[str, ...] = ()
    pool_revision: int = 0
    is_draining: bool = False
    owes: bool = False

    def serves(self, queue_name: str) -> bool:
        """Whether this worker takes runs of that queue."""
        return not self.work_queues or queue_name in self.work_queues


def pool_id(name: str) -> UUID:
    """The id of the pool of that name."""
    return uuid5(NAMESPACE, f"pool/{name}")


def queue_id(pool: str, name: str) -> UUID:
    """The id of the queue of that name in that pool."""
    return uuid5(NAMESPACE, f"queue/{pool}/{name}")
