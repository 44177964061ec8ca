"""A small control plane over a real socket (API and SQS), and real worker processes against it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.worker.plane import Plane

START = """
import sys
from pathlib import Path
from headrace.settings import Settings
from headrace.worker.main import WorkerOptions, start
url, home, *rest = sys.argv[1:]
extra = eval(rest[0]) if rest else {}
sys.exit(start(WorkerOptions(pool="p", name="w", settings=Settings(Path(home), api_url=url), **extra)))
"""


def until(check: Callable[[], Any], what: str = "", seconds: float = 20.0) -> Any:
    """The first true value of `check`; fails after `seconds`."""
    pause = threading.Event()
    deadline = time.monotonic() + seconds
    while not (value := check()):
        assert time.monotonic() < deadline, f"did not happen in {seconds} s: {what}"
        pause.wait(0.01)
    return value


def alive(pid: int) -> bool:
    """Whether a process lives (zombies do not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


class WorkerProcess:
    """A real worker in a process of its own, its console in a file."""

    def __init__(self, url: str, home: Path, options: dict[str, object], log: Path) -> None:
        self.log = log
        self.home = home
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-c", START, url, str(home), repr(options)],
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "AWS_SECRET_ACCESS_KEY": "hidden", "HEADRACE_API_KEY": "hidden"},
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def text(self) -> str:
        return self.log.read_text()

    @property
    def keeper(self) -> int:
        """The keeper's pid."""
        import json

        return int(json.loads((self.home / "workers/p/w/keeper.json").read_text())["pid"])

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self, seconds: float = 20.0) -> int:
        return self.process.wait(timeout=seconds)


@pytest.fixture
def plane() -> Iterator[Plane]:
    with Plane() as plane:
        yield plane


@pytest.fixture
def worker(plane: Plane, tmp_path: Path) -> Iterator[Callable[..., WorkerProcess]]:
    """Starts workers; whatever is left of them, their keepers and children is killed at the end."""
    started: list[WorkerProcess] = []

    def start(**options: object) -> WorkerProcess:
        process = WorkerProcess(plane.url, tmp_path / "home", options, tmp_path / "worker.log")
        started.append(process)
        return process

    yield start
    keepers = set()
    for one in started:
        if (one.home / "workers/p/w/keeper.json").exists():
            keepers.add(one.keeper)
        if one.process.poll() is None:
            one.process.send_signal(signal.SIGCONT)
            one.process.kill()
        one.process.wait()
    for pid in keepers:
        if alive(pid) and b"headrace.worker.keeper" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)
    if (log := tmp_path / "worker.log").exists():
        print(log.read_text())
