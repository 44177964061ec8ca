"""One server per data directory: a lock of the operating system, which no killed server leaves behind."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from headrace.local import private
from headrace.local.errors import StartError

STATUS_FILE = "server.json"


class DirectoryLock:
    """Held from `take` until `release`, or until the process ends in any way."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file: Any = None

    def take(self) -> None:
        """Take the lock, or say who has it."""
        try:
            # Not changed where it is there: it may have been made for others, too. Its parts with data are private.
            self._directory.mkdir(parents=True, exist_ok=True, mode=private.FOLDER)
            self._file = (self._directory / "server.lock").open("a+b")
        except OSError as error:
            raise StartError(
                f"The data directory {self._directory} cannot be used: {error.strerror or error}.",
                "Choose another with --data-dir.",
            ) from error
        try:
            _lock(self._file)
        except OSError:
            self._file.close()
            raise StartError(
                f"The data directory {self._directory} is in use by another server{self._owner()}.",
                "Stop that one first, use it, or choose another directory with --data-dir.",
            ) from None

    def write_status(self, url: str, started: str) -> None:
        """Leave word of who holds the directory."""
        status = {"pid": os.getpid(), "url": url, "started": started}
        (self._directory / STATUS_FILE).write_text(json.dumps(status) + "\n", encoding="utf-8")

    def release(self) -> None:
        """Give the directory free."""
        if self._file:
            (self._directory / STATUS_FILE).unlink(missing_ok=True)
            self._file.close()
            self._file = None

    def _owner(self) -> str:
        try:
            status = json.loads((self._directory / STATUS_FILE).read_text(encoding="utf-8"))
            return f" (process {status['pid']}, {status['url']})"
        except (OSError, ValueError, KeyError):
            return " that is just starting"


if sys.platform == "win32":
    import msvcrt

    def _lock(file: Any) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: Any) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
