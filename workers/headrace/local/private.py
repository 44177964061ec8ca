"""Files and folders that nobody but the user of the server can read: runs, their parameters, and code are in them."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import BinaryIO

FOLDER = 0o700
FILE = 0o600


def make_folder(path: Path) -> None:
    """Make a folder for the user alone; one that is there already, and what lies in it, is closed to others."""
    path.mkdir(parents=True, exist_ok=True, mode=FOLDER)
    _restrict(path, FOLDER)
    for file in path.iterdir():
        if file.is_file():
            _restrict(file, FILE)


def opened(path: Path) -> BinaryIO:
    """A file opened to be written from the start, for the user alone."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
    file = os.fdopen(os.open(path, flags, FILE), "wb")
    _restrict(path, FILE)
    return file


def _restrict(path: Path, mode: int) -> None:
    with contextlib.suppress(OSError):  # whose it is decides: a volume may be another user's
        if path.stat().st_mode & 0o077:
            path.chmod(mode)
