"""The keeper alone, over its socket: what it keeps, what it refuses, when it leaves."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from headrace.contract.sync import ReportKind
from headrace.worker.keeper import address
from headrace.worker.keeper.clock import boottime
from headrace.worker.keeper.starts import ENGINE
from headrace.worker.keeper.wire import decode, encode
from headrace.worker.outcome import conclude
from tests.integration.worker.conftest import alive, until


class Line:
    """A connection to a keeper, as a worker has it."""

    def __init__(self, folder: Path, **hello: object) -> None:
        found = address.connect(folder)
        assert found is not None
        self.socket, card = found
        self.socket.settimeout(20)
        self.stream: IO[bytes] = self.socket.makefile("rb")
        self.say(op="hello", **{"token": card["token"], "on_disconnect": "kill", **hello})
        self.welcome = self.hear()

    def say(self, **message: object) -> None:
        self.socket.sendall(encode(message))

    def hear(self) -> dict[str, Any]:
        line = self.stream.readline()
        return decode(line) if line else {"t": "closed"}

    def lease(self, seconds: float) -> None:
        self.say(op="lease", deadline=boottime() + seconds, term_at=boottime() + seconds * 0.9)

    def start(self, *argv: str, run: str = "r", **more: object) -> None:
        order = {
            "argv": argv,
            "env": dict(os.environ),
            "cwd": "/",
            "spec": None,
            "grace": 5,
            "meta": {"m": 1},
        }
        self.say(op="start", run=run, attempt=1, **{**order, **more})

    def exited(self, run: str = "r") -> tuple[dict[str, Any], list[str]]:
        """The run's last state, and the log's messages on the way there."""
        messages: list[str] = []
        while True:
            heard = self.hear()
            assert heard["t"] in ("state", "logs"), heard
            if heard["run"] != run:
                continue
            if heard["t"] == "logs":
                messages += [record["message"] for record in heard["records"]]
                self.say(op="ack", run=run, attempt=1, logs=heard["first"] + len(heard["records"]) - 1)
            elif heard["e"]["t"] == "exited":
                return heard["e"], messages

    def close(self) -> None:
        self.stream.close()
        self.socket.close()


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-P", "-m", "headrace.worker.keeper", str(tmp_path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
        started.append(process)
        assert process.stdout is not None
        with process.stdout as pipe:
            assert pipe.readline() == b"ready\n"
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.fixture
def line(keeper: Callable[[], subprocess.Popen[bytes]], tmp_path: Path) -> Iterator[Line]:
    keeper()
    line = Line(tmp_path)
    line.lease(60)
    yield line
    line.close()


def test_it_leaves_when_told_and_when_there_is_nothing_to_keep(
    keeper: Callable[[], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    for goodbye in ({"op": "exit"}, {"op": "session", "data": {}}):
        process = keeper()
        line = Line(tmp_path)
        line.say(**goodbye)
        line.close()
        assert process.wait(timeout=10) == 0
        assert address.connect(tmp_path) is None


def test_what_a_killed_keeper_left_on_disk_is_removed(
    keeper: Callable[[], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    process = keeper()
    line = Line(tmp_path)
    line.lease(60)
    line.start(sys.executable, "-c", "for n in range(40_000): print(n, 'x' * 50)")
    until(lambda: list((tmp_path / "spool").glob("*.log")), "the spool's file")
    process.kill()
    process.wait()
    line.close()
    keeper()
    assert list((tmp_path / "spool").iterdir()) == []


def test_strangers_are_refused(line: Line, tmp_path: Path) -> None:
    assert line.welcome["t"] == "welcome"
    stranger = Line(tmp_path, token="guess")
    assert stranger.welcome["t"] == "refused"
    stranger.close()
    second = Line(tmp_path)
    assert "another worker" in second.welcome["message"]
    second.close()


def test_what_cannot_be_started_is_explained(line: Line, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("echo\n")
    orders: list[tuple[str, dict[str, Any], str]] = [
        ("/nope/python", {"spec": {}}, "there is no '/nope/python' on this worker .* job variable `python`"),
        (str(plain), {}, "may not be executed on this worker: chmod .* job variable `command`"),
        ("true", {"cwd": str(tmp_path / "gone")}, "its working folder .*gone cannot be entered"),
        ("true", {"limits": {"memory_mb": 1e16}}, "`memory_mb`"),
    ]
    for number, (program, more, words) in enumerate(orders):
        line.start(program, run=str(number), **more)
        state, _ = line.exited(str(number))
        assert state["why"] == "spawn"
        assert re.search(words, state["message"])


@pytest.mark.parametrize("env", [{"A=B": "x"}, {"A": "\0"}, {"A": 1}], ids=["name", "value", "no text"])
def test_what_no_process_can_be_given_ends_that_run_alone(line: Line, env: dict[str, object]) -> None:
    line.start("sleep", "1000", run="innocent")
    argv = (sys.executable, *ENGINE)
    for number in range(3):  # from the second on a zygote is wanted
        line.start(*argv, run=str(number), env=env, spec={}, start_method="zygote")
        state, _ = line.exited(str(number))
        assert (state["why"], state["status"]) == ("spawn", None)
    line.say(op="kill", run="innocent", attempt=1, why="cancel", grace=0)
    assert line.exited("innocent")[0]["why"] == "cancel"


def test_all_that_is_said_while_no_worker_is_there_is_kept(line: Line, tmp_path: Path) -> None:
    count = 40_000
    script = f"import sys\nfor n in range({count}): print(n, 'x' * 50)\n"
    line.start(sys.executable, "-c", script)
    assert line.hear()["e"]["t"] == "spawned"
    assert line.hear()["first"] == 1, "heard, but not acknowledged"
    line.say(op="sent", seq=7, logs=[["r", 1, 1, 5]])
    line.say(op="session", data={"a": 1})
    line.close()
    until(lambda: (tmp_path / "spool" / "r-1.log").exists(), "the spool's file")
    other = Line(tmp_path)
    assert (other.welcome["session"], other.welcome["sync_seq"]) == ({"a": 1}, 0)
    run = other.welcome["runs"][0]
    assert run["meta"] == {"m": 1}
    assert run["states"][0]["t"] == "spawned"
    if run["states"][-1]["t"] != "exited":
        other.say(op="ack", run="r", attempt=1, states=1)
    messages: list[str] = []
    while len(messages) < count:
        heard = other.hear()
        if heard["t"] == "logs":
            assert heard["first"] == len(messages) + 1
            messages += [record["message"] for record in heard["records"]]
            other.say(op="ack", run="r", attempt=1, logs=len(messages))
    assert [int(message.split()[0]) for message in messages] == list(range(count))
    other.close()


def test_a_log_that_finds_no_room_on_disk_is_cut_and_its_run_goes_on(line: Line, tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("in the way")
    line.start(sys.executable, "-c", "for n in range(40_000): print(n, 'x' * 50)")
    heard = line.hear()
    while heard["t"] == "logs" or heard["e"]["t"] != "exited":
        heard = line.hear()
    assert heard["e"]["status"] == 0
    line.say(op="ack", run="r", attempt=1, logs=100_000)
    rest = line.hear()
    while "cut here" not in rest["records"][-1]["message"]:
        line.say(op="ack", run="r", attempt=1, logs=100_000)
        rest = line.hear()


def test_a_secret_across_a_cut_is_taken_out(line: Line) -> None:
    script = "print('x' * (64 * 1024 - 7) + 'hunter2-secret' + 'y' * 9)"
    line.start(sys.executable, "-c", script, redact=["hunter2-secret"])
    _, messages = line.exited()
    assert "".join(messages).replace("x", "") == "***" + "y" * 9


def test_past_the_lease_nothing_is_started(line: Line) -> None:
    line.lease(-1)
    line.start("true")
    end, _ = line.exited()
    assert (end["why"], end["status"]) == ("too late", None)
    done = conclude(None, end, engine=True, timeout=None)
    assert done.kind is ReportKind.RELEASED, "it waits for another worker, with all its retries"


def test_the_lease_ends_what_runs_although_the_worker_is_there(line: Line) -> None:
    line.lease(0.5)
    line.start("sleep", "1000")
    end, _ = line.exited()
    assert end["why"] == "lease"


def test_a_renewed_lease_lets_it_go_on(line: Line) -> None:
    line.lease(1.5)
    line.start("sleep", "2")
    line.lease(60)
    end, _ = line.exited()
    assert (end["why"], end["status"]) == (None, 0)


def test_memory_and_processor_limits_hold(line: Line) -> None:
    hungry = "x = bytearray(400 * 1024 * 1024)"
    line.start(sys.executable, "-c", hungry, run="m", limits={"memory_mb": 200})
    end, messages = line.exited("m")
    assert end["status"] == 1
    assert "MemoryError" in messages[-1]
    line.start(sys.executable, "-c", "while True: pass", run="c", limits={"cpu_seconds": 1})
    end, _ = line.exited("c")
    assert end["status"] == -24


def test_a_low_limit_of_open_files_is_the_childrens_and_not_its_own(
    keeper: Callable[[], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, before[1]))
    try:
        keeper()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    line = Line(tmp_path)
    line.lease(60)
    for number in range(40):
        line.start(
            "sh",
            "-c",
            "ulimit -Sn; while ! test -e go; do sleep 0.05; done",
            run=str(number),
            cwd=str(tmp_path),
        )
    told = [line.hear() for _ in range(80)]
    assert [heard["e"]["t"] for heard in told if heard["t"] == "state"] == ["spawned"] * 40
    records = [record["message"] for heard in told if heard["t"] == "logs" for record in heard["records"]]
    assert records == ["64"] * 40
    (tmp_path / "go").touch()
    line.exited("39")
    line.close()


def test_a_large_spec_and_a_large_receipt_pass(line: Line) -> None:
    script = (
        "import json, os, sys\n"
        "spec = json.loads(os.fdopen(int(sys.argv[1])).readline())\n"
        "receipt = {'t': 'receipt', 'size': len(spec['big']), 'big': spec['big']}\n"
        "os.fdopen(int(sys.argv[2]), 'w').write(json.dumps(receipt) + chr(10))\n"
    )
    line.start(sys.executable, "-c", script, "{spec_fd}", "{events_fd}", spec={"big": "x" * 3_000_000})
    states = []
    while not states or states[-1]["t"] != "exited":
        heard = line.hear()
        states.append(heard["e"])
    assert [state["t"] for state in states] == ["spawned", "receipt", "exited"]
    assert states[1]["size"] == 3_000_000


@pytest.mark.parametrize("redact", [(), ("secret",)])
@pytest.mark.parametrize("levels", [400, 400_000])
def test_a_result_of_endless_depth_ends_nothing_else(
    line: Line, levels: int, redact: tuple[str, ...]
) -> None:
    line.start("sleep", "1000", run="innocent")
    script = (
        "import os, sys\n"
        f"deep = '[' * {levels} + ']' * {levels}\n"
        """said = '{"t":"receipt","state_type":"COMPLETED","result":' + deep + '}\\n'\n"""
        "os.fdopen(int(sys.argv[1]), 'w').write(said)\n"
    )
    line.start(sys.executable, "-c", script, "{events_fd}", spec={}, redact=redact)
    assert line.exited()[0]["status"] == 0
    line.say(op="kill", run="innocent", attempt=1, why="cancel", grace=0)
    assert line.exited("innocent")[0]["why"] == "cancel"


def test_sigterm_without_a_worker_ends_children_and_keeper(
    keeper: Callable[[], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    process = keeper()
    line = Line(tmp_path)
    line.lease(60)
    line.start("sleep", "1000")
    pid = line.hear()["e"]["pid"]
    process.terminate()
    line.start("true", run="other")
    line.exited("other")
    assert alive(pid), "with a worker there, its own signals are the worker's business"
    line.lease(1)
    line.close()
    process.terminate()
    until(lambda: not alive(pid), "the child's end")
    assert process.wait(timeout=10) == 0
