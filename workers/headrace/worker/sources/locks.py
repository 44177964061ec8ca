"""A lock on a name, held by one thread of one process at a time, and let go when its holder dies."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headrace.worker.keeper.locks import LockFile


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock, waiting for it."""
    lock = _Deletable(path)
    while not (lock.take(wait=True) and lock.is_current()):
        lock.release()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def locked_if_free(path: Path) -> Iterator[bool]:
    """Hold the lock if nobody else does; says whether. The holder may delete the file."""
    lock = _Deletable(path)
    held = lock.take() and lock.is_current()
    try:
        yield held
    finally:
        lock.release()


class _Deletable(LockFile):
    """A lock whose file its holder may delete: whoever waited for it notices, and takes the new one."""

    def is_current(self) -> bool:
        """Whether the file that is locked is still the one of that name."""
        if sys.platform == "win32":
            return True  # a file that is open cannot be deleted there
        try:
            return self._handle is not None and os.path.samestat(os.fstat(self._handle), self._path.stat())
        except FileNotFoundError:
            return False
