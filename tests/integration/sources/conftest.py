"""Real repositories, a real `git http-backend`, and a `git` on PATH that writes down how it is called."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from headrace.worker.prepare import INHERITED
from headrace.worker.sources import Job, Workshop

GIT = shutil.which("git")
assert GIT is not None
PLAIN = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def git(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(
        [str(GIT), *arguments], cwd=cwd, env=PLAIN, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


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
        job = Job(workshop or self.workshop(), (uuid4(), 1), self.home, sys.executable, INHERITED, **more)
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
    # /proc shows what anybody on the machine could see of a process.
    wrapper.write_text(
        f'#!/bin/sh\ntr "\\0" " " < /proc/$$/cmdline | cut -d" " -f3- >> {folder}/calls\nexec {GIT} "$@"\n'
    )
    wrapper.chmod(0o755)
    environ = {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
    return Site(home, folder, environ)


class _Backend(BaseHTTPRequestHandler):
    """`git http-backend` as CGI, behind basic authentication."""

    server: Backend  # type: ignore[assignment]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        wanted = "Basic " + base64.b64encode(f"{self.server.user}:{self.server.password}".encode()).decode()
        self.server.seen.append((self.headers.get("Authorization"), self.path))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Authorization") != wanted:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        env = {
            **PLAIN,
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(
            [str(GIT), "http-backend"], input=body, env=env, capture_output=True, check=True
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


class Backend(ThreadingHTTPServer):
    """Serves the repositories below `root`."""

    daemon_threads = True

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Backend)
        self.root = root
        self.user, self.password = "x-access-token", "s3cr3t/ü+token"
        self.seen: list[tuple[str | None, str]] = []

    def url(self, name: str = "origin.git") -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{name}"


@pytest.fixture
def backend(origin: Origin) -> Iterator[Backend]:
    server = Backend(origin.bare.parent)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
