"""Many new runs, written by as few transactions as take them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from chalicelib.domain.errors import Unavailable
from chalicelib.domain.runs import Run
from chalicelib.storage.documents import Transaction, absent
from chalicelib.storage.run_parts import large_parts, with_parts
from chalicelib.storage.runs import TRIES, RunStore, run_item
from chalicelib.storage.table import Item

MOST_ACTIONS = 100
"""Actions that a transaction takes (AWS, TransactWriteItems)."""
MOST_BYTES = 3_000_000
"""Bytes of documents in one: it takes 4 MB with keys and names."""

Batch = dict[UUID, list[Item]]


class BulkStore:
    """Writes new runs, each under the condition that there is none of its id."""

    def __init__(self, store: RunStore, most_actions: int = MOST_ACTIONS) -> None:
        self._store = store
        self._most = most_actions

    def create(self, runs: Sequence[Run]) -> Iterator[tuple[list[UUID], dict[UUID, Run]]]:
        """Batch by batch, once it is written: the ids made, and the runs that were there already.

        A batch is written or not. After a failure the same call again finds those made, and goes on.
        """
        for run in runs:
            self._store.note_day(run)
        for batch in self._batches(runs):
            found = self._write(dict(batch))
            yield [run for run in batch if run not in found], found

    def _batches(self, runs: Sequence[Run]) -> Iterator[Batch]:
        """In order; the items of one run stay together."""
        batch: Batch = {}
        actions = weight = 0
        for run in runs:
            items = [run_item(run), *large_parts(run)]
            added = sum(len(item.blob or b"") for item in items)
            if batch and (actions + len(items) > self._most or weight + added > MOST_BYTES):
                yield batch
                batch, actions, weight = {}, 0, 0
            batch[run.id] = items
            actions += len(items)
            weight += added
        if batch:
            yield batch

    def _write(self, batch: Batch) -> dict[UUID, Run]:
        """Write those that are new; the others, by id."""
        found: dict[UUID, Run] = {}
        for _ in range(TRIES):
            write = Transaction()
            for own, *parts in batch.values():
                write.put(own, absent())
                with_parts(write, parts)
            if not batch or write.commit():
                return found
            there = self._store.read_many(batch)
            found |= there
            batch = {run: items for run, items in batch.items() if run not in there}
        raise Unavailable("The same runs are made and deleted at once.", code="busy", hint="Try again.")
