"""A lock file that the system releases when its holder dies."""

from __future__ import annotations

import os
import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _take(handle: int, wait: bool) -> None:
        msvcrt.locking(handle, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(handle: int, wait: bool) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


class LockFile:
    """One holder at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def take(self, *, wait: bool = False) -> bool:
        """Take the lock, waiting for it if told to; false when somebody else holds it."""
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _take(handle, wait)
        except OSError:
            os.close(handle)
            return False
        self._handle = handle
        return True

    def is_file(self, status: os.stat_result) -> bool:
        """Whether the file that is locked is this one."""
        return self._handle is not None and os.path.samestat(os.fstat(self._handle), status)

    def release(self) -> None:
        """Give it back; the file stays, since deleting it would let two take it."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
