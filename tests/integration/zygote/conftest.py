"""A real keeper, asked for children the warm and the cold way."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import IO, Any

import pytest

from headrace.worker.keeper import address
from headrace.worker.keeper.clock import boottime
from headrace.worker.keeper.wire import decode, encode
from tests.integration.worker.conftest import until

PYTHON = [sys.executable, "-P", "-m", "headrace.engine", "--spec", "{spec_fd}", "--events", "{events_fd}"]


class Ended:
    """What the keeper told of a run."""

    def __init__(self) -> None:
        self.states: dict[str, dict[str, Any]] = {}
        self.records: list[dict[str, Any]] = []

    @property
    def how(self) -> str:
        return str(self.states["spawned"]["how"])

    @property
    def receipt(self) -> dict[str, Any]:
        return self.states["receipt"]

    @property
    def result(self) -> Any:
        assert self.receipt["state_type"] == "COMPLETED", (self.receipt, self.records)
        return self.receipt["result"]

    @property
    def status(self) -> int | None:
        return self.states["exited"]["status"]

    def said(self, name: str) -> list[str]:
        return [record["message"] for record in self.records if record["name"] == name]


class Keeper:
    """A keeper and the one connection to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        command = [sys.executable, "-P", "-m", "headrace.worker.keeper", str(folder / "keeper")]
        (folder / "keeper").mkdir()
        self.errors = (folder / "keeper.err").open("w+b")
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self.errors, start_new_session=True
        )
        assert self.process.stdout is not None
        with self.process.stdout as pipe:
            assert pipe.readline() == b"ready\n"
        found = address.connect(folder / "keeper")
        assert found is not None
        self.socket, card = found
        self.socket.settimeout(30)
        self.stream: IO[bytes] = self.socket.makefile("rb")
        self.say(op="hello", token=card["token"], on_disconnect="kill")
        assert self.hear()["t"] == "welcome"
        self.say(op="lease", deadline=boottime() + 600, term_at=boottime() + 500)
        self.count = 0
        self.code = ""

    def say(self, **message: object) -> None:
        self.socket.sendall(encode(message))

    def hear(self) -> dict[str, Any]:
        return decode(self.stream.readline())

    def order(self, code: str, parameters: dict[str, Any] | None = None, **more: Any) -> str:
        """Ask for a run of `etl.py:main` with this text; gives its name."""
        self.count += 1
        run = f"0198c2a0-0000-7000-8000-{self.count:012d}"
        text = dedent(code)
        if text != self.code:
            (self.folder / f"etl{self.count}.py").write_text(text, encoding="utf-8")
            self.code, self.file = text, f"etl{self.count}.py"
        env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
        spec = {
            "run": run,
            "attempt": 1,
            "name": "brisk-otter",
            "flow_name": "main",
            "entrypoint": f"{self.file}:main",
            "parameters": parameters or {},
            "run_count": 1,
            "expected_start_time": "2025-01-31T12:00:00Z",
            "log_level": "INFO",
        }
        order = {
            "argv": PYTHON,
            "env": {**env, "HEADRACE__FLOW_RUN_ID": run, **more.pop("env", {})},
            "cwd": str(self.folder),
            "spec": spec,
            "grace": 5,
            "meta": {},
            "start_method": "auto",
        }
        self.say(op="start", run=run, attempt=1, **{**order, **more})
        return run

    def end_of(self, *runs: str) -> list[Ended]:
        """Listen until these are over."""
        ended = {run: Ended() for run in runs}
        while not all("exited" in one.states for one in ended.values()):
            heard = self.hear()
            run, one = heard["run"], ended[heard["run"]]
            if heard["t"] == "logs":
                one.records += heard["records"]
                self.say(op="ack", run=run, attempt=1, logs=heard["first"] + len(heard["records"]) - 1)
            else:
                one.states[heard["e"]["t"]] = heard["e"]
                self.say(op="ack", run=run, attempt=1, states=heard["seq"])
        return list(ended.values())

    def run(self, code: str, parameters: dict[str, Any] | None = None, **more: Any) -> Ended:
        return self.end_of(self.order(code, parameters, **more))[0]

    def warm(self, **more: Any) -> None:
        """Until runs like this are forked."""
        until(lambda: self.run("def main(): pass\n", **more).how == "zygote", "a zygote is there")

    def zygotes(self) -> list[int]:
        """Pids of the keeper's zygotes."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        texts = {int(one): Path(f"/proc/{one}/environ").read_bytes() for one in children}
        return [one for one, text in texts.items() if b"HEADRACE__ATTEMPT=----" in text]

    def close_early(self) -> None:
        """Have the keeper leave."""
        if self.process.poll() is None:
            self.say(op="exit", grace=0)
        self.process.wait(20)

    def close(self) -> None:
        self.close_early()
        self.stream.close()
        self.socket.close()
        self.errors.seek(0)
        text = self.errors.read().decode()
        self.errors.close()
        assert "Traceback" not in text, text


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    made = Keeper(tmp_path)
    try:
        yield made
    finally:
        try:
            made.close()
        finally:
            if made.process.poll() is None:
                made.process.kill()
                made.process.wait()
