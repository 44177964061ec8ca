"""Which files of a folder belong to its code: what git would keep, less what `.headraceignore` names.

In a git repository git itself decides (tracked, and new but not ignored). Elsewhere every `.gitignore`
counts, as git reads it. Files of secrets are packed if git tracks them, or `.headraceignore` says so. Never
packed: `.git`, byte code, caches of tools, virtual environments.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pathspec import GitIgnoreSpec

Specs = Sequence[tuple[str, GitIgnoreSpec]]
"""Each `.gitignore` so far, with the folder that it is in."""
IGNORE_FILE = ".headraceignore"
NEVER = frozenset({".git", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis"})
PRIVATE = (".env", ".env.*", "!.env.example", "worker.env", "headrace-worker-*.env")
"""Files of secrets, left out unless git tracks them: `!.env` in `.headraceignore` packs them.

The last two are what `headrace worker install` writes.
"""
GIT_SECONDS = 60


def chosen(folder: Path) -> list[str]:
    """The files to pack: paths below `folder` with forward slashes, sorted."""
    tracked = _listed_by_git(folder, "--cached")
    new = None if tracked is None else _listed_by_git(folder, "--others", "--exclude-standard")
    if tracked is None or new is None:
        tracked, new = [], list(walked(folder, lambda entry: entry.name in NEVER))
    # What is tracked was meant to be shared; nobody has said that of a `.env` that is only not ignored.
    ignored, private = _spec(folder / IGNORE_FILE), _spec(folder / IGNORE_FILE, *PRIVATE)
    kept = [name for name in tracked if not ignored.match_file(name)]
    kept += [name for name in new if not private.match_file(name)]
    return sorted(name for name in {*kept} if not _never(folder, name))


def _listed_by_git(folder: Path, *which: str) -> list[str] | None:
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "-C", str(folder), "ls-files", "-z", *which]
    # Git's own variables (set while a hook runs) would point it at another repository.
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(command, capture_output=True, timeout=GIT_SECONDS, check=False, env=env)
    if done.returncode:
        return None
    found: set[str] = set()
    for name in done.stdout.decode("utf-8", "surrogateescape").split("\0"):
        path = folder / name
        if not name or not os.path.lexists(path):
            continue
        if path.is_dir() and not path.is_symlink():  # a submodule, or a repository inside this one
            found.update(f"{name.rstrip('/')}/{inner}" for inner in chosen(path))
        else:
            found.add(name)
    return list(found)


def walked(
    folder: Path, is_left_out: Callable[[os.DirEntry[str]], bool], specs: Specs = (), prefix: str = ""
) -> Iterator[str]:
    """The files below a folder that no `.gitignore` names, outside of virtual environments."""
    if (own := folder / ".gitignore").is_file():
        specs = [*specs, (prefix, _spec(own))]
    for entry in sorted(os.scandir(folder), key=lambda one: one.name):
        name = prefix + entry.name
        is_folder = entry.is_dir(follow_symlinks=False)
        if is_left_out(entry) or _ignored(specs, name + "/" * is_folder):
            continue
        if not is_folder:
            yield name
        elif not (Path(entry.path) / "pyvenv.cfg").exists():
            yield from walked(Path(entry.path), is_left_out, specs, name + "/")


def _ignored(specs: Specs, name: str) -> bool:
    """The innermost file that says anything about the name decides, as in git."""
    for prefix, spec in reversed(specs):
        verdict = spec.check_file(name[len(prefix) :]).include
        if verdict is not None:
            return verdict
    return False


def _spec(path: Path, *first: str) -> GitIgnoreSpec:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    return GitIgnoreSpec.from_lines([*first, *lines])


def _never(folder: Path, name: str) -> bool:
    parts = name.split("/")
    if not NEVER.isdisjoint(parts) or name.endswith((".pyc", ".pyo")):
        return True
    above = (folder.joinpath(*parts[:depth]) for depth in range(1, len(parts)))
    return any((path / "pyvenv.cfg").exists() for path in above)
