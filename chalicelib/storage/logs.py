"""Log records of runs, in compressed chunks beside the run."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.domain.logs import LogRow, Record
from chalicelib.domain.names import stamp, unstamp
from chalicelib.storage import documents
from chalicelib.storage.table import Item

LONGEST_RUN = timedelta(days=30)
"""A chunk is written once, and stays for so long past the retention of its time: it must outlast the run, whose
end is not known yet. Readers are shown the log of a run that is there."""
CHUNK_BYTES = 300_000
"""Compressed size under which a chunk is kept: an item holds 400 KB (AWS, DynamoDB limits)."""

SKEW = timedelta(seconds=5)
"""So far the clocks of two functions may be apart: one makes a run, another writes its log."""
FEW_CHUNKS, MOST_CHUNKS = 2, 16
"""Chunks read at once, first and at most: a page begins in the middle of one, and often ends in it."""


class LogStore:
    """Writes chunks, reads pages."""

    def append(
        self,
        run: UUID,
        attempt: int,
        seq: str,
        records: Sequence[Record],
        *,
        now: datetime,
        kept_until: datetime,
    ) -> None:
        """Write one batch. The same attempt, sequence and records write the same item.

        `kept_until` is when the log would go if the run ended now.
        """
        records = sorted(records, key=lambda record: record.at)
        packed = _packed(records)
        if len(packed) > CHUNK_BYTES and len(records) > 1:
            half = len(records) // 2
            self.append(run, attempt, f"{seq}a", records[:half], now=now, kept_until=kept_until)
            self.append(run, attempt, f"{seq}b", records[half:], now=now, kept_until=kept_until)
            return
        key = (f"RUN#{run}", f"LOG#{attempt:06d}#{stamp(records[0].at)}#{seq}")
        doc = json.dumps({"written_at": stamp(now)})
        documents.put(Item(*key, blob=packed, doc=doc, expires_at=kept_until + LONGEST_RUN))

    def page(
        self, run: UUID, created: datetime, after: str | None, limit: int, forward: bool
    ) -> tuple[list[LogRow], str | None]:
        """At most `limit` records after a place, and the place to go on from (None at the end).

        What was written before the run was `created` is left out: an earlier run of the same id has left it.
        """
        chunk, _, number = (after or "").rpartition("@")
        low, high = ("LOG#", "LOG$") if not chunk else (chunk, "LOG$") if forward else ("LOG#", chunk)
        rows: list[LogRow] = []
        chunks = FEW_CHUNKS
        while True:
            items, last = documents.partition_page(f"RUN#{run}", (low, high), forward=forward, limit=chunks)
            for item in items:
                if _written_at(item, created) < created - SKEW:
                    continue
                start = int(number) if item.sk == chunk else None
                rows += _rows(run, item, start, limit + 1 - len(rows), forward)
                if len(rows) > limit:
                    return rows[:limit], rows[limit - 1].place
            if last is None:
                return rows, None
            chunks = min(2 * chunks, MOST_CHUNKS)
            low, high = documents.beyond(last, low, high, forward)


def _rows(run: UUID, item: Item, after: int | None, most: int, forward: bool) -> list[LogRow]:
    """At most so many records of a chunk, in the order of the page; those that come after a number, if one is given."""
    lines = json.loads(zlib.decompress(item.blob or b""))
    count = len(lines)
    numbers = (
        range(0 if after is None else after + 1, count)
        if forward
        else range(count if after is None else after)[::-1]
    )
    rows = []
    for index in numbers[:most]:
        at, level, name, message, *task = lines[index]
        place = f"{item.sk}@{index:06d}"
        rows.append(LogRow(run, place, unstamp(at), level, name, message, UUID(task[0]) if task else None))
    return rows


def _written_at(item: Item, otherwise: datetime) -> datetime:
    """By the control plane's clock; chunks of earlier releases do not say it."""
    return unstamp(json.loads(item.doc)["written_at"]) if item.doc else otherwise


def _packed(records: Sequence[Record]) -> bytes:
    lines = [
        [stamp(record.at), record.level, record.name, record.message]
        + ([str(record.task_run_id)] if record.task_run_id else [])
        for record in records
    ]
    return zlib.compress(json.dumps(lines, separators=(",", ":")).encode(), 6)
