"""Real repositories, a real `git http-backend`, and a `git` on PATH that writes down how it is called."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from headrace.worker.prepare import INHERITED
from headrace.worker.sources import Job, Leash, Workshop
from tests.support.git_host import GIT, GitHost, git, git_host


@dataclass
class Origin:
    """A repository on this disk; `bare` is what others clone."""

    work: Path
    bare: Path

    @property
    def url(self) -> str:
        return self.bare.as_uri()

    def commit(self, name: str = "flow.py", text: str = "x = 1\n", *, amend: bool = False) -> str:
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        git("add", "-A", cwd=self.work)
        git("commit", "-q", "-m", name, *(["--amend"] if amend else []), cwd=self.work)
        return git("rev-parse", "HEAD", cwd=self.work)

    def push(self, *arguments: str) -> None:
        git("push", "-q", "--force", "origin", *(arguments or ("HEAD:main",)), cwd=self.work)


def make_origin(folder: Path) -> Origin:
    bare, work = folder / "origin.git", folder / "work"
    git("init", "-q", "--bare", "-b", "main", str(bare), cwd=make(folder))
    git("init", "-q", "-b", "main", str(work), cwd=folder)
    git("remote", "add", "origin", str(bare), cwd=work)
    return Origin(work, bare)


def make(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    made = make_origin(tmp_path / "origin")
    made.commit()
    made.push()
    return made


@dataclass
class Site:
    """A worker's means, with every call of git written down."""

    home: Path
    bin: Path
    environ: dict[str, str]
    download: Callable[[str, Path], None] | None = None
    state: Path | None = None
    jobs: list[Job] = field(default_factory=list)

    def workshop(self) -> Workshop:
        return Workshop.of(self.environ, self.download or _nothing, self.home, self.state)

    def job(self, workshop: Workshop | None = None, **more: Any) -> Job:
        key, leash = (uuid4(), 1), Leash(str(uuid4()))
        job = Job(workshop or self.workshop(), key, self.home, sys.executable, INHERITED, leash, **more)
        self.jobs.append(job)
        return job

    @property
    def calls(self) -> list[str]:
        log = self.bin / "calls"
        return log.read_text().splitlines() if log.exists() else []

    def count(self, command: str) -> int:
        return sum(call.split(" ")[0] == command for call in self.calls)

    def everything(self) -> bytes:
        """All that is on disk, names and contents."""
        found = [str(path).encode() for path in self.home.rglob("*")]
        found += [path.read_bytes() for path in self.home.rglob("*") if path.is_file()]
        return b"\n".join(found) + (self.bin / "calls").read_bytes()


def _nothing(digest: str, _: Path) -> None:
    raise AssertionError(digest)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    folder, home = make(tmp_path / "bin"), make(tmp_path / "headrace")
    wrapper = folder / "git"
    # Each call begins with `-c NAME=VALUE`. /proc shows what anybody on the machine could see of a process.
    wrapper.write_text(
        f'#!/bin/sh\ntr "\\0" " " < /proc/$$/cmdline | cut -d" " -f5- >> {folder}/calls\nexec {GIT} "$@"\n'
    )
    wrapper.chmod(0o755)
    environ = {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
    return Site(home, folder, environ)


@pytest.fixture
def backend(origin: Origin) -> Iterator[GitHost]:
    with git_host(origin.bare.parent, password="s3cr3t/ü+token") as host:
        yield host
