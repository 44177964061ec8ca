"""Which Python files below a folder are the user's own: what git would ignore is left out, and what tools made."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

SKIPPED = frozenset(
    {
        "node_modules",
        "venv",
        "env",
        "virtualenv",
        "site-packages",
        "__pycache__",
        "build",
        "dist",
        "__pypackages__",
    }
)
"""Folders that hold what was installed or built; hidden ones are skipped as well."""
_GIT_TIMEOUT = 60


def python_files(folder: Path) -> list[str]:
    """The `.py` files below a folder, as paths relative to it with `/`, sorted."""
    listed = _listed_by_git(folder)
    found = _walked(folder) if listed is None else _kept(folder, listed)
    return sorted(found)


def _listed_by_git(folder: Path) -> list[str] | None:
    """What git tracks or would track, or None where git has no say."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.py"]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_GIT_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode != 0:
        return None
    return [os.fsdecode(name) for name in done.stdout.split(b"\0") if name]


def _kept(folder: Path, names: list[str]) -> Iterator[str]:
    @cache
    def is_own(parent: str) -> bool:
        head, _, last = parent.rpartition("/")
        if not parent:
            return True
        return not is_skipped(last) and not _is_environment(folder / parent) and is_own(head)

    return (name for name in names if is_own(name.rpartition("/")[0]))


def _walked(folder: Path) -> Iterator[str]:
    """Where git has no say, as it would be: the same reading of `.gitignore` that bundles are made by."""
    from headrace.bundles.choosing import walked

    def is_left_out(entry: os.DirEntry[str]) -> bool:
        if entry.is_dir(follow_symlinks=False):
            return is_skipped(entry.name) or not os.access(entry.path, os.R_OK | os.X_OK)
        return not entry.name.endswith(".py")

    return walked(folder, is_left_out)


def is_skipped(name: str) -> bool:
    """Whether a folder of that name holds nothing of the user's own."""
    return name.startswith(".") or name in SKIPPED or name.endswith(".egg-info")


def _is_environment(folder: Path) -> bool:
    """A virtual environment says so itself (PEP 405), whatever its name."""
    return (folder / "pyvenv.cfg").is_file()
