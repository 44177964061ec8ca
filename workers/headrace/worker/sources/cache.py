"""Folders under HEADRACE_HOME/cache, each made once, shared by all workers of this machine, bounded in size.

An entry `kind/name` is a folder, a lock `kind/name.lock`, and `kind/name.ready`, written last: what lacks
it was interrupted, and is made anew. The time of `.ready` is the last use. When all entries together are
larger than the bound, the one unused for longest goes first, and none that a run holds (see `leases`).
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from headrace.worker.sources.leases import Key, Leases
from headrace.worker.sources.locks import locked, locked_if_free

_log = logging.getLogger(__name__)
ASIDE = ".removed"
"""Ends the names of folders that are on their way out."""
KINDS = ("trees", "bundles", "environments", "mirrors")


@dataclass(frozen=True, slots=True)
class Entry:
    """A ready entry: its name, size in bytes, and last use."""

    name: str
    size: int
    used: float


class Cache:
    """All entries. `most` bounds their bytes."""

    def __init__(self, root: Path, leases: Leases, most: int) -> None:
        self.root = root
        self.leases = leases
        self._most = most
        self._told: set[Path] = set()

    def path(self, name: str) -> Path:
        """The folder of an entry, made or not."""
        return self.root / name

    def get(self, name: str, key: Key, make: Callable[[Path], None]) -> Path:
        """The entry's folder, held for a run. `make` fills it; of several callers at once, one does.

        Nothing is kept of what a failing `make` leaves.
        """
        folder = self._place(name)
        with locked(self._lock(name)):
            self.leases.hold(key, name)
            made = self._size(name) is None
            if made:
                self._discard(folder)
                try:
                    make(folder)
                except BaseException:
                    self._discard(folder)
                    raise
                self.note(name)
            else:
                self.touch(name)
        if made:
            self.evict()
        return folder

    def update(self, name: str, key: Key, change: Callable[[Path], None]) -> None:
        """Change an entry that grows, alone."""
        folder = self._place(name)
        with locked(self._lock(name)):
            self.leases.hold(key, name)
            before = self._stamp(name)
            change(folder)
            if before != self._stamp(name):
                return
            self.touch(name)

    def note(self, name: str) -> None:
        """An entry is ready, or has another size. The caller holds its lock."""
        content = json.dumps({"size": size_of(self.path(name))})
        new = self._ready(name).with_suffix(".new")
        new.write_text(content, encoding="utf-8")
        new.replace(self._ready(name))

    def touch(self, name: str) -> None:
        """An entry is used now."""
        if self._ready(name).exists():
            os.utime(self._ready(name))

    def entries(self) -> list[Entry]:
        """All ready entries, the one unused for longest first."""
        found = []
        for kind in KINDS:
            for path in (self.root / kind).glob("*.ready"):
                name = f"{kind}/{path.stem}"
                used = self._stamp(name)
                if used is not None and (size := self._size(name)) is not None:
                    found.append(Entry(name, size, used / 1e9))
        return sorted(found, key=lambda entry: entry.used)

    def evict(self) -> None:
        """Remove what was interrupted, then the oldest unused entries until the rest fits.

        What cannot be removed, since a run left files of another user in it, is told, and left.
        """
        self._sweep()
        entries = self.entries()
        over = sum(entry.size for entry in entries) - self._most
        for entry in entries:
            if over <= 0:
                return
            if self._remove(entry.name):
                over -= entry.size

    def _place(self, name: str) -> Path:
        """The entry's folder; those above it are made, for this user alone."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = self.path(name)
        folder.parent.mkdir(exist_ok=True)
        return folder

    def _remove(self, name: str) -> bool:
        with locked_if_free(self._lock(name)) as free:
            # Asked under the lock: whoever wants the entry takes its lease under the same one.
            if not free or self._is_mirror_of_trees(name) or name in self.leases.held():
                return False
            self._ready(name).unlink(missing_ok=True)
            gone = self._discard(self.path(name))
            self._lock(name).unlink(missing_ok=True)
        return gone

    def _discard(self, folder: Path) -> bool:
        """Remove a folder; one that resists is put aside at least, so that its name can be used again."""
        if not os.path.lexists(folder):
            return True
        if not folder.name.endswith(ASIDE):
            aside = folder.with_name(f"{folder.name}.{uuid4().hex[:8]}{ASIDE}")
            with suppress(OSError):
                folder = folder.rename(aside)
        try:
            remove(folder)
        except OSError as error:
            if folder not in self._told:
                self._told.add(folder)
                _log.warning("cannot remove %s from the cache: %s", folder, error)
            return False
        return True

    def _is_mirror_of_trees(self, name: str) -> bool:
        """Git commands in a tree need the mirror that it was made from; trees are named after it."""
        kind, _, rest = name.partition("/")
        return kind == "mirrors" and any((self.root / "trees").glob(f"{rest}-*.ready"))

    def _sweep(self) -> None:
        for kind in KINDS:
            for path in (self.root / kind).glob("*"):
                name = f"{kind}/{path.name}"
                if path.is_dir() and self._size(name) is None:
                    with locked_if_free(self._lock(name)) as free:
                        if free and self._size(name) is None and not self._is_held_damaged(name):
                            self._ready(name).unlink(missing_ok=True)
                            if self._discard(path):
                                self._lock(name).unlink(missing_ok=True)

    def _is_held_damaged(self, name: str) -> bool:
        """A run uses it, although what says that it is ready cannot be read."""
        return self._ready(name).exists() and name in self.leases.held()

    def _size(self, name: str) -> int | None:
        """Bytes of a ready entry; None for one that is not, or whose `.ready` a crash of the machine emptied."""
        try:
            return int(json.loads(self._ready(name).read_text(encoding="utf-8"))["size"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _stamp(self, name: str) -> int | None:
        try:
            return self._ready(name).stat().st_mtime_ns
        except FileNotFoundError:
            return None

    def _lock(self, name: str) -> Path:
        return self.root / f"{name}.lock"

    def _ready(self, name: str) -> Path:
        return self.root / f"{name}.ready"


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    total = 0
    for parent, _, files in os.walk(folder):
        for name in files:
            total += os.lstat(os.path.join(parent, name)).st_size  # noqa: PTH118 - many files, so fast
    return total


def remove(folder: Path) -> None:
    """Remove a folder, also one with files that are read-only, as git's are.

    Raises:
        OSError: Something in it cannot be removed; all the rest is.
    """
    failures: list[OSError] = []

    def again(function: Callable[[str], object], path: str, _: object) -> None:
        try:
            Path(path).parent.chmod(stat.S_IRWXU)
            Path(path).chmod(stat.S_IRWXU)
            function(path)
        except OSError as error:
            failures.append(error)

    if sys.version_info >= (3, 12):
        shutil.rmtree(folder, onexc=again)
    else:
        shutil.rmtree(folder, onerror=again)
    if failures:
        raise failures[0]
