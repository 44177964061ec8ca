"""The real child process, started as a worker starts it: one pipe for the spec, one for its events."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

RUN_ID = "0198c2a0-0000-7000-8000-000000000001"


class Ended:
    """A child that ended: exit code, events as it sent them, and what it wrote."""

    def __init__(self, code: int, lines: list[bytes], stdout: str, stderr: str) -> None:
        self.code = code
        self.lines = lines
        self.events: list[dict[str, Any]] = [json.loads(line) for line in lines]
        self.stdout = stdout
        self.stderr = stderr

    @property
    def receipt(self) -> dict[str, Any]:
        """The one receipt, which must be the last event."""
        receipts = [event for event in self.events if event["t"] == "receipt"]
        assert len(receipts) == 1, (self.events, self.stderr)
        assert self.events[-1] is receipts[0]
        return receipts[0]

    @property
    def logs(self) -> list[str]:
        """Messages of the log events."""
        return [event["message"] for event in self.events if event["t"] == "log"]

    @property
    def started(self) -> bool:
        """Whether user code was about to run."""
        return any(event["t"] == "started" for event in self.events)


class Child:
    """A running child. `events` is read by a thread, so that its pipe never fills up."""

    def __init__(self, directory: Path, spec: dict[str, Any], python: list[str]) -> None:
        self.directory = directory
        spec_out, spec_in = os.pipe()
        events_out, events_in = os.pipe()
        self.process = subprocess.Popen(
            [
                sys.executable,
                *python,
                "-m",
                "headrace.engine",
                "--spec",
                str(spec_out),
                "--events",
                str(events_in),
            ],
            cwd=directory,
            pass_fds=(spec_out, events_in),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
        )
        os.close(spec_out)
        os.close(events_in)
        with os.fdopen(spec_in, "wb") as pipe:
            pipe.write(json.dumps(spec).encode())
        self.events_pipe = os.fdopen(events_out, "rb")
        self.lines: list[bytes] = []
        self._over = False
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        while not self._over and (line := self.events_pipe.readline()):
            with self._news:
                self.lines.append(line)
                self._news.notify_all()

    def wait_for(self, word: bytes) -> None:
        """Until an event with this word has come."""
        with self._news:
            assert self._news.wait_for(lambda: any(word in line for line in self.lines), timeout=60)

    def hang_up(self) -> None:
        """Close our end of the pipe of events, as a parent that dies does."""
        self._over = True
        self._reader.join(60)
        self.events_pipe.close()

    def discard(self) -> None:
        """Leave nothing of it behind, whatever the test did."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self._over = True
        self.process.wait(60)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        self._reader.join(60)
        self.events_pipe.close()

    def end(self) -> Ended:
        """Wait for the end of the process and of its events."""
        stdout, stderr = self.process.communicate(timeout=60)
        self._reader.join(60)
        assert not self._reader.is_alive(), "somebody still holds the pipe of events"
        self.events_pipe.close()
        return Ended(self.process.returncode, self.lines, stdout.decode(), stderr.decode())


Start = Callable[..., Child]
Run = Callable[..., Ended]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a child on a file's text: `start(code, parameters, entrypoint=..., python=[...], **spec)`."""
    children: list[Child] = []

    def begin(
        code: str,
        parameters: dict[str, Any] | None = None,
        entrypoint: str = "etl.py:main",
        python: tuple[str, ...] = (),
        **more: Any,
    ) -> Child:
        (tmp_path / "etl.py").write_text(dedent(code), encoding="utf-8")
        spec = {
            "run": RUN_ID,
            "attempt": 1,
            "name": "brisk-otter",
            "flow_name": "main",
            "deployment_name": "main/nightly",
            "entrypoint": entrypoint,
            "parameters": parameters or {},
            "run_count": 1,
            "expected_start_time": "2025-01-31T12:00:00Z",
            "tags": ["a"],
            "timeout_seconds": None,
            "log_level": "INFO",
        }
        child = Child(tmp_path, spec | more, list(python))
        children.append(child)
        return child

    yield begin
    for child in children:
        child.discard()


@pytest.fixture
def run(start: Start) -> Run:
    """Run a child to its end: the arguments of `start`."""
    return lambda *args, **kwargs: start(*args, **kwargs).end()
