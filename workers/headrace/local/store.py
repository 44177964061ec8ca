"""The data directory's records as one thing: loads them into the services, journals, and compacts."""

from __future__ import annotations

import gc
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from headrace.local import private, snapshot
from headrace.local.aws.dynamodb import DynamoDB
from headrace.local.aws.items import StoredItem
from headrace.local.aws.sqs import SQS
from headrace.local.aws.table import PartitionedTable
from headrace.local.durable import sync_names
from headrace.local.journal import Journal

log = logging.getLogger("headrace.server")

COMPACT_AT_BYTES = 8_000_000
"""A journal is folded into a snapshot when it is this large, and at least as large as the snapshot itself."""

_EXPIRED_AT_ONCE = 100


class Store:
    """Durability of the embedded tables and queues."""

    def __init__(
        self,
        directory: Path,
        dynamodb: DynamoDB,
        sqs: SQS,
        *,
        fsync: bool = False,
        compact_at: int = COMPACT_AT_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._directory = directory
        self._dynamodb = dynamodb
        self._sqs = sqs
        self._fsync = fsync
        self._compact_at = compact_at
        self._clock = clock
        self._wanted = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="headrace-compaction", daemon=True)

    def open(self) -> None:
        """Load what is on disk, and journal from now on. The tables must exist."""
        private.make_folder(self._directory)
        if self._fsync:
            sync_names(self._directory.parent)
        tables = {table.name: table for table in self._dynamodb.tables()}
        state = self._load(tables)
        for name, attributes in state.queues.items():
            self._sqs.create(name, attributes)
        self._journal = Journal(self._directory, state.generation, self._fsync)
        self._journal.on_growth = self._weigh
        self._dynamodb.change_log = self._sqs.queue_log = self._journal
        self._thread.start()

    def close(self) -> None:
        """Journal nothing more. A compaction that runs is abandoned; the files stay right without it."""
        self._stopping = True
        self._wanted.set()
        self._thread.join(timeout=1)
        self._journal.close()

    def compact(self) -> None:
        """Write a snapshot of now, beside the running server, and remove what it replaces."""
        with self._dynamodb.lock, self._sqs.lock:
            tables = self._dynamodb.tables()
            items = [(table, list(table.stored())) for table in tables]
            queues = self._sqs.attributes()
            generation = self._journal.rotate()
        expired: list[tuple[PartitionedTable, StoredItem]] = []
        snapshot.write(self._directory, generation, self._unexpired(items, expired), queues)
        snapshot.remove_before(self._directory, generation)
        self._expire(expired)

    def _load(self, tables: dict[str, PartitionedTable]) -> snapshot.State:
        gc.disable()  # nothing of what is loaded is garbage; looking for some takes longer than loading
        try:
            state = snapshot.load(self._directory, tables)
            for key, (packed, raw) in state.items.items():
                tables[key[0]].load(packed, raw)
            for table in tables.values():
                table.sort_indexes()
        finally:
            gc.enable()
        return state

    def _weigh(self, size: int) -> None:
        if size >= self._compact_at:
            path = snapshot.path_of(self._directory, self._journal.generation)
            if not path.exists() or size >= path.stat().st_size:
                self._wanted.set()

    def _work(self) -> None:
        while True:
            self._wanted.wait()
            if self._stopping:
                return
            self._wanted.clear()
            try:
                self.compact()
            except _Stopped:
                return
            except OSError:
                log.exception("The journal could not be compacted; it is whole and goes on growing.")

    def _unexpired(
        self,
        items: list[tuple[PartitionedTable, list[StoredItem]]],
        expired: list[tuple[PartitionedTable, StoredItem]],
    ) -> Iterator[tuple[str, StoredItem]]:
        """All items; those past their time to live are noted. AWS removes these itself, moto never does."""
        now = self._clock()
        for table, stored in items:
            pattern = _lifetime(table)
            for item in stored:
                if self._stopping:
                    raise _Stopped
                until = pattern.search(item.packed) if pattern else None
                if until and int(until.group(1)) < now:
                    expired.append((table, item))
                yield table.name, item

    def _expire(self, expired: list[tuple[PartitionedTable, StoredItem]]) -> None:
        for start in range(0, len(expired), _EXPIRED_AT_ONCE):
            self._dynamodb.remove(expired[start : start + _EXPIRED_AT_ONCE])


class _Stopped(Exception):
    """Abandon the snapshot that is being written."""


def _lifetime(table: PartitionedTable) -> re.Pattern[bytes] | None:
    if table.ttl["TimeToLiveStatus"] != "ENABLED":
        return None
    return re.compile(rb'"%s":\{"N":"(\d+)' % re.escape(table.ttl["AttributeName"].encode()))
