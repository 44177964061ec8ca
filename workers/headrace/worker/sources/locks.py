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
    lock = LockFile(path)
    while not (lock.take(wait=True) and _is_current(lock, path)):
        lock.release()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def locked_if_free(path: Path) -> Iterator[bool]:
    """Hold the lock if nobody else does; says whether. The holder may delete the file."""
    lock = LockFile(path)
    held = lock.take() and _is_current(lock, path)
    try:
        yield held
    finally:
        lock.release()


def _is_current(lock: LockFile, path: Path) -> bool:
    """Whether the file that was locked is still the one of that name, and not one deleted meanwhile."""
    if sys.platform == "win32":
        return True  # a file that is open cannot be deleted there
    try:
        return lock.is_file(os.stat(path))  # noqa: PTH116 - compared with fstat
    except FileNotFoundError:
        return False
