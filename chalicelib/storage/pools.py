"""Pools, their queues and workers: one partition for each pool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from chalicelib.domain.limits import pool_limit, queue_limit
from chalicelib.domain.names import DEFAULT_QUEUE
from chalicelib.domain.pools import PoolView, Worker, WorkPool, WorkQueue
from chalicelib.storage import documents
from chalicelib.storage.documents import Codec, Key, Transaction
from chalicelib.storage.slots import declare
from chalicelib.storage.table import Item

_POOL = Codec(WorkPool)
_QUEUE = Codec(WorkQueue)
_WORKER = Codec(Worker)
TOGETHER = 30
"""Queues deleted in one transaction: three writes each, of at most 100 (AWS, TransactWriteItems)."""


class PoolStore:
    """Reads and conditional writes of pools, queues and workers."""

    def view(self, name: str) -> PoolView | None:
        """A pool with its queues, read consistently in one go: what a claim believes."""
        items = documents.partition(_pk(name), ("POOL", "QUEUE$"))
        pools = [_POOL.load(item.doc) for item in items if item.sk == "POOL"]
        queues = [_QUEUE.load(item.doc) for item in items if item.sk != "POOL"]
        return PoolView(pools[0], {queue.name: queue for queue in queues}) if pools else None

    def pool(self, name: str, consistent: bool = True) -> WorkPool | None:
        """A pool alone."""
        item = documents.get((_pk(name), "POOL"), consistent)
        return _POOL.load(item.doc) if item else None

    def create(self, pool: WorkPool, queue: WorkQueue) -> bool:
        """A pool and its first queue. False if there is a pool of that name."""
        write = Transaction()
        write.put(_pool_item(pool), Item.pk.does_not_exist())
        _put_queue(write, queue, None)
        declare(write, _changed(pool_limit(pool.name), None, pool.concurrency_limit))
        return write.commit()

    def update_pool(self, pool: WorkPool, before: WorkPool) -> bool:
        """Write a pool over what it was before, with its limit."""
        write = Transaction()
        write.put(_pool_item(pool), Item.rev == before.revision)
        declare(write, _changed(pool_limit(pool.name), before.concurrency_limit, pool.concurrency_limit))
        return write.commit()

    def add_queue(self, queue: WorkQueue, pool: WorkPool) -> bool:
        """A further queue with its limit; the pool's revision rises with it."""
        return self.update_queue(queue, None, pool)

    def update_queue(self, queue: WorkQueue, before: WorkQueue | None, pool: WorkPool) -> bool:
        """Write a queue over what it was before, with its limit; the pool's revision rises with it."""
        write = Transaction()
        raised = replace(pool, revision=pool.revision + 1)
        write.put(_pool_item(raised), Item.rev == pool.revision)
        _put_queue(write, queue, before)
        old = before.concurrency_limit if before else None
        declare(write, _changed(queue_limit(pool.name, queue.name), old, queue.concurrency_limit))
        return write.commit()

    def remove_queue(self, queue: WorkQueue, pool: WorkPool) -> bool:
        """Delete a queue; the pool's revision rises."""
        return self._remove_queues([queue], pool)

    def _remove_queues(self, queues: Sequence[WorkQueue], pool: WorkPool) -> bool:
        write = Transaction()
        write.put(_pool_item(replace(pool, revision=pool.revision + 1)), Item.rev == pool.revision)
        _delete(write, queues)
        return write.commit()

    def remove_pool(self, view: PoolView) -> PoolView | None:
        """Delete a pool with its queues, if nothing of it changed since it was read (else None).

        Where it has more than `TOGETHER`, some of these go first, and the rest is left for the next call.
        """
        pool = view.pool
        queues = sorted(view.queues.values(), key=lambda queue: queue.name == DEFAULT_QUEUE)
        rest = {queue.name: queue for queue in queues[TOGETHER:]}
        if rest:
            written = self._remove_queues(queues[:TOGETHER], pool)
            return PoolView(replace(pool, revision=pool.revision + 1), rest) if written else None
        write = Transaction()
        write.delete(_pool_item(pool), Item.rev == pool.revision)
        declare(write, _changed(pool_limit(pool.name), pool.concurrency_limit, None))
        _delete(write, queues)
        return PoolView(pool, rest) if write.commit() else None

    def names(self, after: str | None, limit: int) -> tuple[list[str], bool]:
        """Names of pools in order, after one; and whether others may follow."""
        low = f"{after}\x00" if after else " "
        page = documents.index_page(Item.lane_index, "CATALOGUE#POOL", low=low, limit=limit)
        return [name for _, name in page.rows], page.more

    def pools(self, names: Sequence[str]) -> list[WorkPool]:
        """Pools by name; those that do not exist are left out."""
        found = documents.get_many((_pk(name), "POOL") for name in names)
        return [_POOL.load(found[key].doc) for name in names if (key := (_pk(name), "POOL")) in found]

    def queue_names(self, after: str | None, limit: int) -> tuple[list[tuple[str, str]], bool]:
        """(pool, queue) of all queues in order, after a `pool/queue`; and whether others may follow."""
        low = f"{after}\x00" if after else " "
        page = documents.index_page(Item.lane_index, "CATALOGUE#QUEUE", low=low, limit=limit)
        rows = [text.partition("/") for _, text in page.rows]
        return [(pool, queue) for pool, _, queue in rows], page.more

    def queues(self, names: Sequence[tuple[str, str]]) -> list[WorkQueue]:
        """Queues by pool and name; those that do not exist are left out."""
        keys: list[Key] = [(_pk(pool), f"QUEUE#{queue}") for pool, queue in names]
        found = documents.get_many(keys)
        return [_QUEUE.load(found[key].doc) for key in keys if key in found]

    def queue_name(self, queue: UUID) -> tuple[str, str] | None:
        """(pool, queue) of a queue's id."""
        item = documents.get((f"QUEUE#{queue}", "ID"))
        if item is None or item.doc is None:
            return None
        pool, _, name = item.doc.partition("/")
        return pool, name

    def worker(self, pool: str, name: str) -> Worker | None:
        """A worker by name."""
        item = documents.get((_pk(pool), f"WORKER#{name}"))
        return _WORKER.load(item.doc) if item else None

    def workers(self, pool: str, after: str | None, limit: int) -> tuple[list[Worker], str | None]:
        """Workers of a pool by name, after one; and the name to go on from if others may follow."""
        low = f"WORKER#{after}\x00" if after else "WORKER#"
        items, last = documents.partition_page(_pk(pool), (low, "WORKER$"), consistent=False, limit=limit)
        return [_WORKER.load(item.doc) for item in items], last and last.removeprefix("WORKER#")

    def put_worker(self, worker: Worker, expires_at: datetime | None) -> None:
        """Write a worker's row, which goes at that time (None: never) unless it is written anew."""
        key = (_pk(worker.work_pool_name), f"WORKER#{worker.name}")
        documents.put(Item(*key, doc=_WORKER.dump(worker), expires_at=expires_at))

    def forget_worker(self, worker: Worker, at: datetime) -> None:
        """Have a worker's row go at that time, unless it was written anew since it was read."""
        key = (_pk(worker.work_pool_name), f"WORKER#{worker.name}")
        doc = _WORKER.dump(worker)
        documents.put(Item(*key, doc=doc, expires_at=at), Item.doc == doc)


def _pk(pool: str) -> str:
    return f"POOL#{pool}"


def _pool_item(pool: WorkPool) -> Item:
    return Item(
        _pk(pool.name),
        "POOL",
        lane="CATALOGUE#POOL",
        lane_at=pool.name,
        rev=pool.revision,
        doc=_POOL.dump(pool),
    )


def _queue_item(queue: WorkQueue) -> Item:
    return Item(
        _pk(queue.work_pool_name),
        f"QUEUE#{queue.name}",
        lane="CATALOGUE#QUEUE",
        lane_at=f"{queue.work_pool_name}/{queue.name}",
        rev=queue.revision,
        doc=_QUEUE.dump(queue),
    )


def _put_queue(write: Transaction, queue: WorkQueue, before: WorkQueue | None) -> None:
    write.put(_queue_item(queue), Item.rev == before.revision if before else Item.pk.does_not_exist())
    if before is None:
        write.put(Item(f"QUEUE#{queue.id}", "ID", doc=f"{queue.work_pool_name}/{queue.name}"))


def _delete(write: Transaction, queues: Sequence[WorkQueue]) -> None:
    for queue in queues:
        write.delete(_queue_item(queue), Item.rev == queue.revision)
        write.delete(Item(f"QUEUE#{queue.id}", "ID"))
        limit = queue_limit(queue.work_pool_name, queue.name)
        declare(write, _changed(limit, queue.concurrency_limit, None))


def _changed(name: str, before: int | None, after: int | None) -> dict[str, int | None]:
    return {} if before == after else {name: after}
