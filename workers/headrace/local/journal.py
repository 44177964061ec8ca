"""The journal: every write is in it before it is answered, so a killed server loses nothing it said."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from headrace.local.aws.items import StoredItem
from headrace.local.aws.table import Change
from headrace.local.aws.wire import encode
from headrace.local.durable import sync_names
from headrace.local.records import DataError, frame

HEADER = frame(b'{"headrace":1}')


def image(table: str, item: StoredItem) -> bytes:
    """The entry that says what an item is now."""
    return b'{"t":%s,"i":%s}' % (json.dumps(table).encode(), item.packed)


def queue_entry(name: str, attributes: dict[str, str] | None) -> bytes:
    """The entry that says what a queue is now; None: deleted."""
    return encode({"q": name, "a": attributes})


def _entry(change: Change) -> bytes:
    if change.new is not None:
        return image(change.table.name, change.new)
    values = [part for part in change.key if part is not None]
    return encode({"t": change.table.name, "k": dict(zip(change.table.table_key_attrs, values, strict=True))})


class Journal:
    """Appends to `journal-<generation>.log`: one record per call, so a call is on disk whole or not."""

    def __init__(self, directory: Path, generation: int, fsync: bool = False) -> None:
        self.generation = generation
        self.on_growth: Callable[[int], None] | None = None
        self._directory = directory
        self._fsync = fsync
        self._lock = threading.Lock()
        self._broken: OSError | None = None
        self._file, self._size = self._opened(generation)

    @staticmethod
    def path(directory: Path, generation: int) -> Path:
        """Where the journal of a generation lies."""
        return directory / f"journal-{generation:08d}.log"

    def write(self, changes: Sequence[Change]) -> None:
        """Keep the changes of one call."""
        entries = [_entry(change) for change in changes]
        self._append(entries[0] if len(entries) == 1 else b"[%s]" % b",".join(entries))

    def write_queue(self, name: str, attributes: dict[str, str] | None) -> None:
        """Keep what a queue is now."""
        self._append(queue_entry(name, attributes))

    def rotate(self) -> int:
        """Begin the next generation, and say which it is. Raises OSError if its file cannot be made.

        The old file is let go only then: until there is another, it takes the writes.
        """
        with self._lock:
            file, size = self._opened(self.generation + 1)
            old, self._file, self._size = self._file, file, size
            self.generation += 1
            os.close(old)
            return self.generation

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            os.close(self._file)
            self._broken = OSError("the journal is closed")

    def _opened(self, generation: int) -> tuple[int, int]:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        path = self.path(self._directory, generation)
        file = os.open(path, flags, 0o600)
        if size := os.fstat(file).st_size:
            return file, size
        try:
            return file, self._begin(file)
        except OSError:
            os.close(file)
            path.unlink(missing_ok=True)  # there is nothing in it but the header, if that
            raise

    def _begin(self, file: int) -> int:
        if os.write(file, HEADER) != len(HEADER):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self._fsync:
            sync_names(self._directory)
        return len(HEADER)

    def _append(self, payload: bytes) -> None:
        record = frame(payload)
        with self._lock:
            if self._broken:
                raise OSError(f"the journal cannot be written any more: {self._broken}") from self._broken
            try:
                self._put(record)
            except OSError as error:
                self._take_back(error)
                raise
            self._size += len(record)
        if self.on_growth:
            self.on_growth(self._size)

    def _put(self, record: bytes) -> None:
        if os.write(self._file, record) != len(record):
            raise OSError("the disk is full")
        if self._fsync:
            os.fsync(self._file)

    def _take_back(self, error: OSError) -> None:
        """Cut off what was written of a record, lest it stand damaged in the middle of the file."""
        try:
            os.ftruncate(self._file, self._size)
        except OSError:
            self._broken = error


def cut(path: Path, offset: int) -> None:
    """Remove a torn last record before the file is written on."""
    try:
        os.truncate(path, offset)
    except OSError as error:
        raise DataError(f"{path} ends in a torn record that cannot be removed: {error}") from error
