"""A home of its own for a benchmark: control plane and worker as real processes, and flows that do little.

With `--api-url` the control plane is that one, and only the worker is started. It is reached as the command line
would reach it: with HEADRACE_API_KEY, or with the key that the profile in use (HEADRACE_PROFILE) has for that
address. Pool and deployments get names that nobody else has, and are deleted in the end, with what waits; finished
runs are forgotten in time, and the five flows `bench-...` stay, since a flow is not deleted.
Everything written lies in a temporary folder.
"""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from headrace.settings import SettingsError, checked_url, load_settings

HEADRACE = [sys.executable, "-m", "headrace.cli.main"]
FLOWS = '''
import time
AT = time.time()
import logging, os, pathlib

def noop():
    pass

def mark():
    """Leave the moment at which the file's first line ran."""
    path = pathlib.Path("marks", os.environ["HEADRACE__FLOW_RUN_ID"])
    path.with_suffix(".new").write_text(repr(AT))
    path.with_suffix(".new").rename(path)

def wait():
    """Go on until told to stop, having left a mark with the process's number."""
    path = pathlib.Path("marks", os.environ["HEADRACE__FLOW_RUN_ID"])
    path.with_suffix(".new").write_text(str(os.getpid()))
    path.with_suffix(".new").rename(path)
    while True:
        time.sleep(1)

def chatter(lines: int):
    for number in range(lines):
        print("line", number)

def log(lines: int):
    logger = logging.getLogger("flood")
    logger.setLevel(logging.INFO)
    for number in range(lines):
        logger.info("line %d", number)
'''


class Place:
    """See the module's text. `api` speaks to the control plane."""

    def __init__(self, home: Path, api_url: str | None) -> None:
        self.home = home
        self.pool = f"bench-{uuid.uuid4().hex[:8]}"
        self.server: subprocess.Popen[bytes] | None = None
        (home / "flows.py").write_text(FLOWS)
        (home / "marks").mkdir()
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HEADRACE_", "AWS_"))}
        self.env = {**kept, "HEADRACE_HOME": str(home / "home")}
        if api_url is None:
            self.server = self.start("server", "server", "start", "--port", "0")
            said = self.hear("server", self.server, "/api")
            api_url = said.partition("/api")[0].split()[-1] + "/api"
        else:
            api_url, known = reached(api_url)
            self.env |= {"HEADRACE_API_KEY": known} if known else {}
        self.env["HEADRACE_API_URL"] = api_url
        key = self.env.get("HEADRACE_API_KEY")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.http = httpx.Client(base_url=api_url, timeout=60, headers=headers)
        until(self._healthy, "the control plane answers")
        self.call("POST", "/work_pools/", {"name": self.pool, "type": "process"})
        self._ids: dict[str, str] = {}

    def _healthy(self) -> bool:
        try:
            return self.http.get("/health").status_code == 200
        except httpx.TransportError:
            return False

    def start(self, name: str, *words: str, terminal: bool = False) -> subprocess.Popen[bytes]:
        """Start a command of ours, on a terminal if told to; what it says is in `text(name)`."""
        with (self.home / f"{name}.log").open("wb") as log:
            out = _terminal(os.dup(log.fileno())) if terminal else log.fileno()
            try:
                return subprocess.Popen(
                    [*HEADRACE, *words],
                    cwd=self.home,
                    env=self.env,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                )
            finally:
                if terminal:
                    os.close(out)

    def text(self, name: str) -> str:
        """What a process has said."""
        return (self.home / f"{name}.log").read_text(errors="replace")

    def hear(self, name: str, process: subprocess.Popen[bytes], sign: str) -> str:
        """Wait until a process has said something; gives all that it said."""

        def said() -> str:
            if process.poll() is not None:
                raise SystemExit(f"{name} ended with {process.returncode}:\n{self.text(name)}")
            text = self.text(name)
            return text if sign in text else ""

        return str(until(said, f"{name} says {sign!r}"))

    @contextmanager
    def worker(
        self, limit: int = 10, *words: str, terminal: bool = False
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A worker of this place's pool."""
        command = ("worker", "start", "--pool", self.pool, "--name", "w", "--limit", str(limit), *words)
        process = self.start("worker", *command, terminal=terminal)
        try:
            self.hear("worker", process, "serves pool")
            yield process
        finally:
            for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
                process.send_signal(number)
                try:
                    process.wait(15)
                    break
                except subprocess.TimeoutExpired:
                    continue

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The answer of a call that must succeed."""
        answer = self.http.request(method, path, json=body)
        if answer.is_error:
            raise SystemExit(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.content else None

    def deployment(self, flow: str) -> str:
        """The deployment of a flow above, made at its first use; gives its id."""
        if flow not in self._ids:
            made = self.call("POST", "/flows/", {"name": f"bench-{flow}"})
            step = {"headrace.deployments.steps.set_working_directory": {"directory": str(self.home)}}
            body = {
                "name": self.pool,
                "flow_id": made["id"],
                "work_pool_name": self.pool,
                "pull_steps": [step],
            }
            body |= {"entrypoint": f"flows.py:{flow}", "enforce_parameter_schema": False}
            self._ids[flow] = str(self.call("POST", "/deployments/", body)["id"])
        return self._ids[flow]

    def run(self, flow: str, **parameters: Any) -> str:
        """Create a run; gives its id."""
        path = f"/deployments/{self.deployment(flow)}/create_flow_run"
        return str(self.call("POST", path, {"parameters": parameters})["id"])

    def state(self, run: str) -> str:
        """A run's state."""
        return str(self.call("GET", f"/flow_runs/{run}")["state_type"])

    def over(self, *runs: str, patience: float = 600.0, pause: float = 0.1) -> None:
        """Wait for runs to be COMPLETED; the last created is asked for first, since it mostly ends last."""
        for run in reversed(runs):
            until(
                lambda run=run: self.state(run) == "COMPLETED",
                f"run {run} is over",
                patience=patience,
                pause=pause,
            )

    def marked(self, run: str) -> str:
        """What the run's code left."""
        path = self.home / "marks" / run
        return until(lambda: path.exists() and path.read_text(), f"a mark of {run}", pause=0.004)

    def keeper_and_worker(self, worker: subprocess.Popen[bytes]) -> list[int]:
        """The two processes of a worker."""
        children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
        return [worker.pid, *map(int, children)]

    def close(self) -> None:
        """Leave nothing behind."""
        if self.server is not None:
            self.server.send_signal(signal.SIGTERM)
            self.server.wait(30)
        else:
            for path in (
                *(f"/deployments/{made}" for made in self._ids.values()),
                f"/work_pools/{self.pool}",
            ):
                answer = self.http.delete(path, params={"cancel_runs": "true"})
                if answer.is_error:
                    print(f"left behind: {path}: {answer.status_code} {answer.text[:200]}", file=sys.stderr)
        self.http.close()


def reached(api_url: str) -> tuple[str, str | None]:
    """The address of a control plane, and the key for it, as the command line would find it."""
    environ = {name: value for name, value in os.environ.items() if name != "HEADRACE_API_URL"}
    try:
        given = checked_url(api_url, "--api-url")
        if key := environ.get("HEADRACE_API_KEY"):
            return given, key
        profile = load_settings(environ)
    except SettingsError as error:
        raise SystemExit(str(error)) from error
    return given, profile.api_key if profile.api_url == given else None


def _terminal(log: int) -> int:
    """A terminal's end for a process; a thread takes what is written there, as a person's window does."""
    ours, theirs = pty.openpty()

    def take() -> None:
        with suppress(OSError):  # the process has closed its end
            while data := os.read(ours, 65536):
                os.write(log, data)
        os.close(ours)
        os.close(log)

    threading.Thread(target=take, daemon=True).start()
    return theirs


def until(
    check: Callable[[], Any],
    what: str,
    *,
    patience: float = 120.0,
    pause: float = 0.02,
) -> Any:
    """Ask until there is an answer."""
    deadline = time.monotonic() + patience
    while not (found := check()):
        if time.monotonic() > deadline:
            raise SystemExit(f"did not happen within {patience:g} s: {what}")
        time.sleep(pause)
    return found


@contextmanager
def place(api_url: str | None = None) -> Iterator[Place]:
    """A place, cleared away afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        made = Place(Path(folder), api_url)
        try:
            yield made
        finally:
            made.close()
