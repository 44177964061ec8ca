"""Log records of one run on their way to the worker: numbered, kept until acknowledged, bounded.

Three stations in order of age: `sent` (handed to the worker, not yet acknowledged), `waiting` (in memory),
and a file for what memory should not hold. Past the file's bound, and where the disk takes no more, records
are dropped until the file was read to its end, and a mark says so; past the bound of the whole run all further
ones are, so that a flood costs its worker no more than that.
"""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from io import FileIO
from json.encoder import encode_basestring as encode_text
from pathlib import Path

from headrace.worker.keeper.clock import now_iso

MEMORY_BYTES = 256 * 1024
FILE_BYTES = 64 * 1024 * 1024
WINDOW_BYTES = 512 * 1024
RUN_BYTES = 20_000_000
"""Of one attempt, as JSON."""

CUT = (
    b'{"level":40,"name":"headrace.worker","message":"The log is cut here: more was written than this '
    b'worker keeps while it cannot deliver. What follows is lost until there is room again."'
)
OVER = (
    b'{"level":40,"name":"headrace.worker","message":"The log is cut here: this attempt wrote over %d MB. '
    b'The rest is dropped."'
)
DROPPED = (
    b'{"level":40,"name":"headrace.worker","message":"%d records of this log were dropped, '
    b'those behind the cut."'
)


def sweep(folder: Path) -> None:
    """Remove the files of a keeper that was killed: nobody else knows what of them was delivered."""
    for path in folder.glob("*.log"):
        with suppress(OSError):
            path.unlink()


class Spool:
    """A queue of encoded records; numbers start at 1."""

    def __init__(
        self,
        path: Path,
        *,
        memory: int = MEMORY_BYTES,
        disk: int = FILE_BYTES,
        window: int = WINDOW_BYTES,
        most: int = RUN_BYTES,
    ) -> None:
        self._path = path
        self._memory, self._disk, self._window = memory, disk, window
        self._most, self._taken = most, 0
        self._sent: deque[bytes] = deque()
        self._waiting: deque[bytes] = deque()
        self._sent_bytes = self._waiting_bytes = 0
        self._file: FileIO | None = None
        self._read_at = self._write_at = self._in_file = 0
        self._at_end = True
        self._dropping = False
        self._cut: bytes | None = None
        self.acked = 0
        self.dropped = 0
        """Records that came when the run had written all that is kept of it."""

    @property
    def empty(self) -> bool:
        """Whether everything was acknowledged."""
        return not (self._sent or self._waiting or self._in_file)

    @property
    def has_more(self) -> bool:
        """Whether records wait that the worker has not been handed."""
        return bool(self._waiting or self._in_file)

    @property
    def taken(self) -> int:
        """Bytes that the run has written, as far as they are kept."""
        return min(self._taken, self._most)

    @property
    def is_over(self) -> bool:
        """Whether the run has written all that is kept of it: nothing is taken any more."""
        return self._taken > self._most

    def add(self, record: bytes, at: str) -> None:
        """Take one encoded record (no line end in it)."""
        if self.is_over:
            self.dropped += 1
            return
        self._taken += len(record)
        if self.is_over:
            self.dropped += 1
            record = _marked(OVER % (self._most // 1_000_000), at)
        self._keep(record, at)

    def end(self, at: str) -> None:
        """Nothing more will come: the log's last line says how much of it is missing at its end."""
        if self.dropped:
            self._keep(_marked(DROPPED % self.dropped, at), at)

    def _keep(self, record: bytes, at: str) -> None:
        if self._in_file == 0 and self._waiting_bytes + len(record) <= self._memory:
            self._dropping = False
            self._wait(record)
        elif not self._dropping and not self._write(record + b"\n"):
            self._dropping = True
            self._cut = _marked(CUT, at)
            if self._in_file == 0:
                self._end_cut()

    def _wait(self, record: bytes) -> None:
        self._waiting.append(record)
        self._waiting_bytes += len(record)

    def _end_cut(self) -> None:
        """What came before the cut is in memory: the mark has its place behind it."""
        if self._cut is not None:
            self._wait(self._cut)
            self._cut = None

    def _write(self, line: bytes) -> bool:
        """Put it at the file's end; false when there is no room for it."""
        if self._write_at + len(line) > self._disk:
            return False
        try:
            file = self._open()
            if not self._at_end:  # a seek for each record would be a system call for each
                file.seek(self._write_at)
            self._at_end = file.write(line) == len(line)
        except OSError:
            self._at_end = False
        if self._at_end:
            self._write_at += len(line)
            self._in_file += 1
        return self._at_end

    def take(self, most: int) -> tuple[int, list[bytes]]:
        """The next records for the worker, within the window: the first one's number, and they."""
        self._refill()
        first = self.acked + len(self._sent) + 1
        taken: list[bytes] = []
        size = 0
        while self._waiting and size < most and self._sent_bytes < self._window:
            record = self._waiting.popleft()
            self._waiting_bytes -= len(record)
            self._sent.append(record)
            self._sent_bytes += len(record)
            size += len(record)
            taken.append(record)
        return first, taken

    def ack(self, number: int) -> None:
        """Forget records up to this number."""
        while self._sent and self.acked < number:
            self._sent_bytes -= len(self._sent.popleft())
            self.acked += 1

    def rewind(self) -> None:
        """All that was not acknowledged will be handed out again: to a new worker."""
        self._waiting.extendleft(reversed(self._sent))
        self._waiting_bytes += self._sent_bytes
        self._sent.clear()
        self._sent_bytes = 0

    def close(self) -> None:
        """Drop everything and the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
            with suppress(OSError):  # the next keeper looks after what could not be removed
                self._path.unlink(missing_ok=True)

    def _open(self) -> FileIO:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Without a buffer: a full disk is to be noticed by the record that does not fit, not by a later one.
            self._file = self._path.open("w+b", buffering=0)
        return self._file

    def _refill(self) -> None:
        if self._waiting or self._file is None or self._in_file == 0:
            return
        try:
            self._read_back(self._file)
        except OSError:
            self._in_file = 0
            self._cut = self._cut or _marked(CUT, now_iso())
        if self._in_file == 0:
            self._read_at = self._write_at = 0
            self._at_end = self._dropping = False
            self._end_cut()

    def _read_back(self, file: FileIO) -> None:
        self._at_end = False
        with open(os.dup(file.fileno()), "rb") as lines:  # noqa: PTH123 - by its descriptor
            lines.seek(self._read_at)
            while self._in_file and self._waiting_bytes < self._memory:
                record = lines.readline().rstrip(b"\n")
                self._in_file -= 1
                self._wait(record)
            self._read_at = lines.tell()
        if self._in_file == 0:
            file.truncate(0)


def _marked(mark: bytes, at: str) -> bytes:
    when = encode_text(at).encode("utf-8", "surrogatepass")  # the child's own words, perhaps
    return mark + b',"t":"log","at":' + when + b"}"
