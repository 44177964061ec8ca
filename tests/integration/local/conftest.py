"""Real server processes over a small control plane."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

HERE = Path(__file__).parent
PATIENCE = 30.0


def _until(condition, patience=PATIENCE):
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.01)
    return pytest.fail("did not happen in time")


@pytest.fixture
def until():
    """Gives the first true value of a condition; fails the test when there is none in time."""
    return _until


@dataclass
class ServerProcess:
    """One server process and how to speak to it."""

    home: Path
    process: subprocess.Popen[bytes]
    log: Path
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def request(self, method, path, headers=None, **more):
        given = {**self.headers, **(headers or {})}
        return httpx.request(
            method, self.url + path, headers=given, timeout=PATIENCE, trust_env=False, **more
        )

    def put_item(self, name, value="v"):
        self.request("PUT", f"/api/items/{name}", json={"value": value}).raise_for_status()

    def item(self, name):
        return self.request("GET", f"/api/items/{name}").json()["value"]

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self, number=signal.SIGTERM):
        """Ask the process to end, unless it does so by itself; its exit code and all it printed."""
        if number is not None:
            self.process.send_signal(number)
        return self.process.wait(timeout=PATIENCE), self.log.read_text()

    def await_ready(self):
        status = self.home / "server" / "server.json"

        def ready():
            if self.process.poll() is not None:
                pytest.fail(f"the server ended: {self.log.read_text()}")
            try:
                written = json.loads(status.read_text())
            except (OSError, ValueError):
                return None
            return written["url"] if written["pid"] == self.process.pid else None

        self.url = _until(ready)


@dataclass
class Starter:
    """Starts servers on a directory of their own, and ends what is left of them."""

    directory: Path
    started: list[ServerProcess] = field(default_factory=list)

    def __call__(self, port=0, home=None, wait=True, env=None, **options):
        home = home or self.directory / "home"
        log = self.directory / f"{len(self.started)}.log"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, HERE / "run_server.py", home, str(port), json.dumps(options)],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**inherited, **(env or {})},
            )
        server = ServerProcess(home, process, log)
        self.started.append(server)
        if wait:
            server.await_ready()
        return server

    def end(self):
        for server in self.started:
            server.kill()


@pytest.fixture
def start_server(tmp_path):
    """For tests that start, stop and kill servers."""
    starter = Starter(tmp_path)
    yield starter
    starter.end()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One running server for all tests of a module that leave it as it is."""
    starter = Starter(tmp_path_factory.mktemp("server"))
    yield starter()
    starter.end()


@pytest.fixture
def synced(monkeypatch):
    """The inodes of all that fsync was called for, in order."""
    seen = []
    stock = os.fsync

    def noted(handle):
        seen.append(os.fstat(handle).st_ino)
        stock(handle)

    monkeypatch.setattr(os, "fsync", noted)
    return seen
