"""Who uses what in the cache: one small file per run, true as long as one of its processes lives.

A lease names the worker's process and its keeper's. The keeper outlives a killed worker together with its
runs, so what they use stays; when both are gone, no run of theirs is left, and the lease means nothing.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

_log = logging.getLogger(__name__)
Key = tuple[UUID, int]
Process = tuple[int, int]
"""A process id, and when that process began (0 where the system does not tell)."""


@dataclass(frozen=True, slots=True)
class _Lease:
    owner: str
    processes: Sequence[Process]
    holds: Sequence[str]


class Leases:
    """The leases of one cache; `owner` is this worker's state folder, `pids` gives its processes now."""

    def __init__(self, folder: Path, owner: str, pids: Callable[[], Collection[int]]) -> None:
        self._folder = folder
        self._owner = owner
        self._pids = pids
        self._mutex = threading.Lock()
        self._mine: dict[Key, set[str]] | None = None

    def hold(self, key: Key, name: str) -> None:
        """Keep an entry of the cache as long as the run is in this worker's hands."""
        with self._mutex:
            mine = self._load()
            names = mine.setdefault(key, set())
            names.add(name)
            processes = [(pid, _began(pid)) for pid in self._pids()]
            content = {"owner": self._owner, "processes": processes, "holds": sorted(names)}
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            new = self._folder / f"{uuid4()}.new"
            new.write_text(json.dumps(content), encoding="utf-8")
            new.replace(self._path(key))

    def keep_only(self, keys: Collection[Key]) -> None:
        """Let go of what runs used that are not in this worker's hands any more."""
        with self._mutex:
            mine = self._load()
            for key in [key for key in mine if key not in keys]:
                self._path(key).unlink(missing_ok=True)
                del mine[key]

    def held(self) -> set[str]:
        """Names that some living worker's run uses; removes leases of the dead."""
        names: set[str] = set()
        for path in self._folder.glob("*.json") if self._folder.is_dir() else ():
            content = _read(path)
            if content is None:
                continue
            if any(_lives(pid, began) for pid, began in content.processes):
                names.update(content.holds)
            else:
                path.unlink(missing_ok=True)
        return names

    def _load(self) -> dict[Key, set[str]]:
        """Also the leases that the worker before this one took, whose runs go on."""
        if self._mine is None:
            self._mine = {}
            for path in self._folder.glob("*.json") if self._folder.is_dir() else ():
                content = _read(path)
                if content is not None and content.owner == self._owner:
                    run, _, attempt = path.stem.rpartition("-")
                    self._mine[UUID(run), int(attempt)] = set(content.holds)
        return self._mine

    def _path(self, key: Key) -> Path:
        return self._folder / f"{key[0]}-{key[1]}.json"


def _read(path: Path) -> _Lease | None:
    """A lease; None for one let go of meanwhile, and for one that a crash of the machine emptied: its runs are over."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        processes = [(int(pid), int(began)) for pid, began in content["processes"]]
        return _Lease(str(content["owner"]), processes, [str(name) for name in content["holds"]])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        _log.warning("the lease %s cannot be read, and is left out: %s", path, error)
        path.unlink(missing_ok=True)
        return None


def _lives(pid: int, began: int) -> bool:
    if sys.platform == "win32":
        return True  # asking there may end the process; the worker does not run on Windows
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return began == _began(pid)


def _began(pid: int) -> int:
    """Field 22 of /proc/PID/stat (proc(5)), so that another process under the same number is known."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    return int(text.rpartition(")")[2].split()[19])
