"""Work pools and work queues: made, changed, paused, deleted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from shlex import quote
from typing import TypeVar
from uuid import UUID

from chalicelib.domain import job_templates
from chalicelib.domain.errors import Conflict, Invalid, NotFound, Unavailable
from chalicelib.domain.limits import pool_limit, queue_limit
from chalicelib.domain.names import DEFAULT_QUEUE
from chalicelib.domain.pools import PoolView, WorkPool, WorkQueue
from chalicelib.services.active import active_runs
from chalicelib.services.limits import Limits
from chalicelib.services.lines import Lines
from chalicelib.services.pointing import refuse_while_pointed_at
from chalicelib.services.ports import Ports
from chalicelib.services.waiting import Fate, Waiting
from chalicelib.services.workers import Workers, no_pool
from chalicelib.storage.run_lanes import ready_lane

T = TypeVar("T")
K = TypeVar("K", WorkPool, WorkQueue)
TYPES = ("process",)
TRIES = 5
WAKE = 10
"""Runs that are rung for when a pool or queue goes on; the workers find the rest by themselves."""


class Pools:
    """Use cases of pools and queues."""

    def __init__(
        self, ports: Ports, workers: Workers, limits: Limits, lines: Lines, waiting: Waiting
    ) -> None:
        self._ports = ports
        self._workers = workers
        self._limits = limits
        self._lines = lines
        self._waiting = waiting

    def create(self, name: str, values: Mapping[str, object]) -> tuple[WorkPool, bool]:
        """A new pool with its default queue (True), or the one that a request of this key made (False).

        Raises `Conflict` for a name that is taken.
        """
        now = self._ports.clock()
        pool = WorkPool(name=name, created=now, updated=now, **values)  # type: ignore[arg-type]
        self._check(pool)
        known = self._ports.pools.pool(name)
        if known:
            return self._found(known, pool, f"work pool {name!r}"), False
        pool = replace(
            pool,
            base_job_template=pool.base_job_template or job_templates.default_template(pool.type),
            paused_since=now if pool.is_paused else None,
        )
        queue = WorkQueue(name, DEFAULT_QUEUE, now, now, url=self._ports.queues.create(name, "q"))
        if not self._ports.pools.create(pool, queue):
            self._ports.queues.delete(queue.url)
            return self._found(self._ports.pools.pool(name), pool, f"work pool {name!r}"), False
        return pool, True

    def _found(self, known: K | None, wanted: K, what: str) -> K:
        """What an earlier request made with the key of this one; else the name is taken."""
        if known and wanted.idempotency_key is not None and known.idempotency_key == wanted.idempotency_key:
            return known
        raise Conflict(
            f"There is a {what} already.", code="exists", hint="Choose another name, or update it."
        )

    def view(self, name: str) -> PoolView:
        """A pool with its queues; raises `NotFound`."""
        view = self._ports.pools.view(name)
        if view is None:
            raise no_pool(name)
        return view

    def update(self, name: str, changes: Mapping[str, object]) -> WorkPool:
        """Change the members given; a pause holds from the moment of the answer."""
        now = self._ports.clock()

        def change(view: PoolView) -> tuple[WorkPool, bool]:
            pool = replace(view.pool, **changes, updated=now, revision=view.pool.revision + 1)  # type: ignore[arg-type]
            pool = replace(pool, paused_since=(pool.paused_since or now) if pool.is_paused else None)
            if pool.base_job_template != view.pool.base_job_template:
                pool = replace(pool, template_changed=now)
            self._check(pool)
            return pool, self._ports.pools.update_pool(pool, view.pool)

        before = self.view(name).pool
        pool = self._try(lambda: change(self.view(name)))
        self._limits.follow(name, pool_limit(name), before.concurrency_limit, pool.concurrency_limit)
        if self._may_start_more(before, pool):
            self._wake(name, None, before.is_paused)
        return pool

    def delete(self, name: str, fate: Fate) -> None:
        """Delete a pool with its queues. Waiting runs: refused, cancelled or moved; refused while any is active."""
        view = self.view(name)
        if any(active_runs(self._ports, name)):
            raise Conflict(
                f"Work pool {name!r} has runs that are going.",
                code="runs_active",
                hint=f"Cancel them first: `headrace flow-run cancel --pool {quote(name)}`, or wait for them.",
            )
        self._waiting.settle(f"Work pool {name!r}", self._waiting.in_pool(view), fate, pool=name)
        if fate == Fate():
            refuse_while_pointed_at(self._ports, f"Work pool {name!r}", name)
        self._ports.watermark.note_gone(name, list(view.queues), self._ports.clock())
        while view.queues:  # the default one goes last, with the pool
            left = self._ports.pools.remove_pool(view)
            if left is None:
                raise Conflict(f"Pool {name!r} changed at the same moment.", code="busy", hint="Try again.")
            for gone in view.queues.keys() - left.queues.keys():
                self._ports.queues.delete(view.queues[gone].url)
            view = left
        self._workers.close_idle(name)

    def create_queue(self, pool: str, name: str, values: Mapping[str, object]) -> tuple[WorkQueue, bool]:
        """A further queue of a pool (True), or the one that a request of this key made (False).

        Without a priority it comes after those that exist.
        """
        view = self.view(pool)
        now = self._ports.clock()
        last = max((queue.priority for queue in view.queues.values()), default=0)
        given = {key: value for key, value in values.items() if key != "priority" or value is not None}
        queue = WorkQueue(pool, name, now, now, "", **{"priority": last + 1, **given})  # type: ignore[arg-type]
        if name in view.queues:
            return self._found(view.queues[name], queue, f"work queue {name!r} of pool {pool!r}"), False
        url = self._ports.queues.create(pool, "q")
        queue = replace(queue, url=url, paused_since=now if queue.is_paused else None)
        if not self._ports.pools.add_queue(queue, view.pool):
            self._ports.queues.delete(url)
            raise Conflict(f"Pool {pool!r} changed at the same moment.", code="busy", hint="Try again.")
        self._workers.tell_of_change(pool, new=name)
        return queue, True

    def queue(self, pool: str, name: str) -> WorkQueue:
        """A queue by names; raises `NotFound`."""
        view = self.view(pool)
        if name not in view.queues:
            raise no_queue(pool, name)
        return view.queues[name]

    def queue_by_id(self, queue: UUID) -> WorkQueue:
        """A queue by id; raises `NotFound`."""
        found = self._ports.pools.queue_name(queue)
        if found is None:
            raise NotFound(f"There is no work queue {queue}.", hint="`headrace work-queue ls` lists them.")
        return self.queue(*found)

    def queues_by_id(self, ids: Sequence[UUID]) -> list[WorkQueue]:
        """Queues by id; those that do not exist are left out."""
        names = [self._ports.pools.queue_name(queue) for queue in ids]
        return self._ports.pools.queues([name for name in names if name])

    def update_queue(self, pool: str, name: str, changes: Mapping[str, object]) -> WorkQueue:
        """Change the members given; a pause holds from the moment of the answer."""
        now = self._ports.clock()

        def change() -> tuple[WorkQueue, bool]:
            view = self.view(pool)
            if name not in view.queues:
                raise no_queue(pool, name)
            old = view.queues[name]
            queue = replace(old, **changes, updated=now, revision=old.revision + 1)  # type: ignore[arg-type]
            queue = replace(queue, paused_since=(queue.paused_since or now) if queue.is_paused else None)
            return queue, self._ports.pools.update_queue(queue, old, view.pool)

        before = self.queue(pool, name)
        queue = self._try(change)
        limit = queue_limit(pool, name)
        self._limits.follow(pool, limit, before.concurrency_limit, queue.concurrency_limit)
        if self._may_start_more(before, queue):
            self._wake(pool, name, before.is_paused)
        return queue

    def delete_queue(self, pool: str, name: str, fate: Fate) -> None:
        """Delete a queue; the default one goes with its pool only."""
        view = self.view(pool)
        if name not in view.queues:
            raise no_queue(pool, name)
        if name == DEFAULT_QUEUE:
            raise Conflict(
                f"Every pool keeps its {DEFAULT_QUEUE!r} queue.",
                code="default_queue",
                hint=f"`headrace work-pool delete {pool}` deletes the pool with all its queues.",
            )
        if any(run.work_queue_name == name for run in active_runs(self._ports, pool)):
            raise Conflict(
                f"Work queue {name!r} has runs that are going.",
                code="runs_active",
                hint=f"Wait for them, or cancel them: `headrace flow-run cancel --pool {quote(pool)} "
                f"--queue {quote(name)}`. One that is retried would come back to it.",
            )
        rows = self._waiting.in_queue(pool, name)
        self._waiting.settle(f"Work queue {name!r}", rows, fate, pool=pool, queue=name)
        if fate == Fate():
            refuse_while_pointed_at(self._ports, f"Work queue {name!r}", pool, name)
        self._ports.watermark.note_gone(pool, [name], self._ports.clock())
        if not self._ports.pools.remove_queue(view.queues[name], view.pool):
            raise Conflict(f"Pool {pool!r} changed at the same moment.", code="busy", hint="Try again.")
        self._ports.queues.delete(view.queues[name].url)
        self._workers.tell_of_change(pool)

    def names(self, after: str | None, limit: int, skip: int = 0) -> tuple[list[WorkPool], str | None]:
        """A page of pools by name, and where to go on."""
        found, more = self._ports.pools.names(after, skip + limit)
        return self._ports.pools.pools(found[skip:]), found[-1] if more and found else None

    def by_names(self, names: Sequence[str]) -> list[WorkPool]:
        """Pools by name; those that do not exist are left out."""
        return self._ports.pools.pools(names)

    def queues(self, after: str | None, limit: int, skip: int = 0) -> tuple[list[WorkQueue], str | None]:
        """A page of all queues by pool and name, and where to go on."""
        found, more = self._ports.pools.queue_names(after, skip + limit)
        return self._ports.pools.queues(found[skip:]), "/".join(found[-1]) if more and found else None

    def _check(self, pool: WorkPool) -> None:
        if pool.type not in TYPES:
            raise Invalid(
                f"There is no worker type {pool.type!r}.",
                code="unknown_type",
                hint=f"Types: {', '.join(TYPES)}.",
            )
        if pool.base_job_template:
            job_templates.check_template(pool.base_job_template)

    def _may_start_more(self, before: WorkPool | WorkQueue, after: WorkPool | WorkQueue) -> bool:
        resumed = before.is_paused and not after.is_paused
        infinite = float("inf")
        old = infinite if before.concurrency_limit is None else before.concurrency_limit
        new = infinite if after.concurrency_limit is None else after.concurrency_limit
        return resumed or new > old

    def _wake(self, pool: str, queue: str | None, was_paused: bool) -> None:
        if was_paused:
            self._lines.promote_in(pool, queue)
        view = self.view(pool)
        for found in view.queues.values():
            if queue in (None, found.name):
                rows = self._ports.runs.lane(
                    ready_lane(pool, found.name), until=self._ports.clock(), limit=WAKE
                )
                self._lines.ring(list(self._ports.runs.read_many([run for run, _ in rows]).values()))

    def _try(self, change: Callable[[], tuple[T, bool]]) -> T:
        for _ in range(TRIES):
            value, written = change()
            if written:
                return value
        raise Unavailable("Others change the same pool at this moment.", code="busy", hint="Try again.")


def no_queue(pool: str, name: str) -> NotFound:
    """The error for a queue that does not exist."""
    return NotFound(
        f"Work pool {pool!r} has no queue {name!r}.",
        hint=f"`headrace work-queue ls --pool {pool}` lists them.",
    )
