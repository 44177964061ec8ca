"""A real control plane, real workers and the real command line, in a home of their own; everything by pid."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

T = TypeVar("T")
HEADRACE = Path(sys.executable).with_name("headrace")
PATIENCE = 40.0
FLOWS = r'''
import os, pathlib, signal, subprocess, sys, time
from headrace import flow, get_run_logger

@flow
def add(x: int, y: int = 1) -> int:
    get_run_logger().info("adding %s and %s", x, y)
    return x + y

@flow(log_prints=True)
def mark(folder: str, name: str, wait_for: str = "go"):
    """Leave a mark when started, then wait for a file before ending."""
    place = pathlib.Path(folder)
    with (place / f"{name}.started").open("a") as marks:
        marks.write(f"{os.getpid()}\n")
    print("waiting for", wait_for)
    while not (place / wait_for).exists():
        time.sleep(0.02)
    return name

@flow(retries=1)
def mark_again(folder: str, name: str):
    """The same, worth a second try."""
    return mark.fn(folder, name)

@flow
def stubborn(folder: str):
    """Ignore SIGTERM, with a grandchild of its own process group and one of another session."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    sleeper = [sys.executable, "-c", deaf]
    pids = [subprocess.Popen(sleeper).pid, subprocess.Popen(sleeper, start_new_session=True).pid]
    (pathlib.Path(folder) / "pids").write_text(" ".join(map(str, [os.getpid(), *pids])))
    while True:
        time.sleep(1)

@flow
def quick() -> None:
    """Nothing."""

@flow
def fail(message: str = "no luck"):
    raise ValueError(message)
'''


def eventually(check: Callable[[], T | None], what: str, patience: float = PATIENCE) -> T:
    """Ask again until there is an answer; a deadline, not a sleep, decides."""
    deadline = time.monotonic() + patience
    while True:
        found = check()
        if found:
            return found
        assert time.monotonic() < deadline, f"did not happen within {patience:g} s: {what}"
        time.sleep(0.03)


def is_alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


@dataclass
class Process:
    """A process that stays up, with its output in a file."""

    popen: subprocess.Popen[bytes]
    log: Path

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def says(self, *signs: str) -> str:
        return eventually(lambda: self.text() if all(s in self.text() for s in signs) else None, f"{signs}")

    def signal(self, number: int) -> None:
        self.popen.send_signal(number)

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait(20)

    def stop(self) -> int:
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGCONT)
            self.popen.terminate()
            try:
                self.popen.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
        return int(self.popen.returncode)


@dataclass
class Town:
    """One home: a server on a fixed free port, its data, and what was started in it."""

    home: Path
    settings: dict[str, str] = field(default_factory=dict)
    port: int = 0
    started: list[Process] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HEADRACE_", "AWS_"))}
        return {**kept, "HEADRACE_HOME": str(self.home / "home"), "PYTHONUNBUFFERED": "1", **self.settings}

    def start(self, name: str, *words: str) -> Process:
        log = self.home / f"{name}-{len(self.started)}.log"
        with log.open("wb") as out:
            popen = subprocess.Popen(
                [HEADRACE, *words],
                cwd=self.home,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started.append(Process(popen, log))
        return self.started[-1]

    def server(self) -> Process:
        process = self.start("server", "server", "start", "--port", str(self.port))
        if not self.port:
            line = process.says("/api").split("/api")[0]
            self.port = int(line.rpartition(":")[2])
        eventually(self.is_up, f"the server answers:\n{process.text()}")
        return process

    def is_up(self) -> bool:
        try:
            return httpx.get(f"{self.api}/health", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    def worker(self, name: str = "w1", *words: str, pool: str = "pool") -> Process:
        process = self.start("worker", "worker", "start", "--pool", pool, "--name", name, *words)
        eventually(
            lambda: any(sign in process.text() for sign in ("serves pool", "where its predecessor stopped")),
            "the worker is up",
        )
        return process

    def run(self, *words: str, code: int = 0, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [HEADRACE, *words],
            cwd=cwd or self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=60,
        )
        assert done.returncode == code, (
            f"headrace {' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}"
        )
        return done

    def ask(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--output", "json").stdout)

    def get(self, path: str) -> Any:
        return httpx.get(f"{self.api}{path}", timeout=10).raise_for_status().json()

    def deploy(self, flow: str, *words: str, pool: str = "pool") -> None:
        self.run("deploy", f"flows.py:{flow}", "-n", "main", "-p", pool, *words)

    def trigger(self, deployment: str, /, **parameters: object) -> str:
        params = ("--params", json.dumps(parameters)) if parameters else ()
        made = self.ask("deployment", "run", deployment, *params)
        return str(made["id"])

    def state(self, run: str) -> str:
        return str(self.get(f"/flow_runs/{run}")["state_type"])

    def until(self, run: str, *states: str, patience: float = PATIENCE) -> Any:
        def there() -> Any:
            found = self.get(f"/flow_runs/{run}")
            return found if found["state_type"] in states else None

        return eventually(
            there, f"run {run} becomes {states}; it is {self.get(f'/flow_runs/{run}')}", patience
        )

    def marks(self, name: str) -> list[int]:
        """Pids of the processes that started this mark: how often the run's code was begun."""
        file = self.home / f"{name}.started"
        return [int(pid) for pid in file.read_text().split()] if file.exists() else []

    def started_mark(self, name: str) -> int:
        return eventually(lambda: self.marks(name), f"mark {name} is made")[0]

    def keeper_of(self, worker: str, pool: str = "pool") -> int:
        """The pid of a worker's keeper."""
        folder = str(self.home / "home" / "workers" / pool / worker)
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    line = (entry / "cmdline").read_bytes().decode(errors="replace")
                except OSError:
                    continue
                if "headrace.worker.keeper" in line and folder in line:
                    return int(entry.name)
        raise AssertionError("no keeper")

    def own_processes(self) -> list[int]:
        """Pids of all processes that carry this home in their environment."""
        wanted = f"HEADRACE_HOME={self.home / 'home'}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if wanted in (entry / "environ").read_bytes() and is_alive(int(entry.name)):
                        found.append(int(entry.name))
                except OSError:
                    continue
        return found


@contextmanager
def town(home: Path, **settings: str) -> Iterator[Town]:
    """A home with flows in it; whatever was started is stopped in the end, by pid."""
    (home / "flows.py").write_text(FLOWS)
    made = Town(home, {name.upper(): value for name, value in settings.items()})
    try:
        yield made
    finally:
        for process in reversed(made.started):
            process.stop()
        for pid in made.own_processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
