"""What git knows about a folder: its repository, branch, commit, and what is not committed or pushed yet."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from headrace.contract.addresses import SECRET_QUERY, USERS

_TIMEOUT = 60


@dataclass(frozen=True)
class Checkout:
    """A working tree. `prefix` is the folder's path below the root (empty at the root itself)."""

    root: Path
    prefix: str
    remote: str | None
    repository: str | None
    branch: str | None
    commit: str | None
    _known: dict[tuple[str, ...], str | None] = field(default_factory=dict, repr=False, compare=False)
    """Answers of git about commits: one question each, however many deployments ask."""

    def commit_of(self, branch: str) -> str | None:
        """The tip of a branch, as far as this clone knows it: the remote's if there is one."""
        if branch == self.branch:
            return self.commit
        refs = [f"refs/remotes/{self.remote}/{branch}", f"refs/heads/{branch}"]
        return next((commit for ref in refs if (commit := self.has_commit(ref))), None)

    def own_tip(self, branch: str) -> str | None:
        """The tip of a branch of this very clone."""
        return self.commit if branch == self.branch else self.has_commit(f"refs/heads/{branch}")

    def is_commit_pushed(self, commit: str) -> bool:
        """Whether some branch of a remote has the commit, as far as this clone knows."""
        return bool(self._once("branch", "--remotes", "--contains", commit))

    def changed(self, files: Sequence[Path]) -> set[Path]:
        """Those of the files that differ from the last commit, or are not in it at all."""
        if not files:
            return set()
        options = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--ignored")
        said = _ask(self.root, *options, "--", *map(str, files))
        told = [self.root / entry[3:] for entry in (said or "").split("\0") if entry]
        return {file for file in files if not {file.resolve(), *file.resolve().parents}.isdisjoint(told)}

    def has_commit(self, commit: str) -> str | None:
        """The full hash of a commit that this clone has."""
        return self._once("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}")

    def _once(self, *words: str) -> str | None:
        if words not in self._known:
            self._known[words] = _ask(self.root, *words)
        return self._known[words]


def read_checkout(folder: Path) -> Checkout | None:
    """The working tree that a folder belongs to, or None."""
    root = _ask(folder, "rev-parse", "--show-toplevel")
    if not root:
        return None
    remotes = (_ask(folder, "remote") or "").split()
    remote = "origin" if "origin" in remotes else next(iter(remotes), None)
    url = _ask(folder, "remote", "get-url", remote) if remote else None
    return Checkout(
        root=Path(root),
        prefix=(_ask(folder, "rev-parse", "--show-prefix") or "").strip("/"),
        remote=remote,
        repository=without_secrets(url) if url else None,
        branch=_ask(folder, "symbolic-ref", "--quiet", "--short", "HEAD"),
        commit=_ask(folder, "rev-parse", "--verify", "--quiet", "HEAD"),
    )


def without_secrets(url: str) -> str:
    """A repository's address without the password or token that a clone may have written into it.

    A name goes, too, unless it is one that goes with any token: it may be a token itself.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        return url
    kept = [pair for pair in parts.query.split("&") if not SECRET_QUERY.search(pair.partition("=")[0])]
    name, _, host = parts.netloc.rpartition("@")
    netloc = parts.netloc if name in USERS else host
    return urlunsplit(parts._replace(netloc=netloc, query="&".join(kept)))


def is_same_repository(one: str, other: str) -> bool:
    """Whether two addresses name one repository: over ssh or https, with or without `.git`, a path or a `file://`."""
    return _place(one) == _place(other)


def _place(url: str) -> tuple[str, str]:
    """Host and path. `git@host:path` is git's short form of ssh (git-clone(1), "GIT URLS")."""
    short = re.fullmatch(r"(?:[^@/:]+@)?([^/:]+):(?!//)(.+)", url)
    parts = urlsplit(url)
    host, path = short.groups() if short else (parts.hostname or "", unquote(parts.path))
    return host.lower(), path.strip("/").removesuffix(".git").rstrip("/")


def _ask(folder: Path, *words: str) -> str | None:
    """What git answers, or None if it refuses or is not there."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", *words],
            cwd=folder,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=_TIMEOUT,
            env=environment,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.rstrip() if done.returncode == 0 else None
