"""The line to the parent: whole lines, and silence where there is nobody to hear."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from headrace.engine.channel import Channel, moment, now, read_spec


class Line:
    """A channel and the parent's end of its pipe."""

    def __init__(self) -> None:
        self.read_end, write_end = os.pipe()
        self.channel = Channel(write_end)

    def received(self) -> list[bytes]:
        """All lines, once the writing end is closed."""
        self.channel.close()
        with os.fdopen(os.dup(self.read_end), "rb") as pipe:
            return pipe.read().splitlines()


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.channel.close()
    os.close(line.read_end)


def test_one_object_per_line_in_utf8(line: Line) -> None:
    line.channel.send({"t": "log", "message": "é\n\u2028\x00"})
    line.channel.send({"t": "log", "message": "lone \ud800"})
    first, second = line.received()
    assert json.loads(first)["message"] == "é\n\u2028\x00"
    assert json.loads(second)["message"] == "lone ?"


def test_after_closing_it_is_silent(line: Line) -> None:
    line.channel.close()
    line.channel.send({"t": "log"})
    assert not line.channel.is_open
    assert line.received() == []


def test_a_line_torn_by_a_signal_handler_costs_itself_only(line: Line) -> None:
    class Interrupt(Exception):
        pass

    def interrupt(*_: object) -> None:
        raise Interrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    received: list[bytes] = []

    def read_after_the_interrupt() -> None:
        interrupted.wait(30)
        with os.fdopen(os.dup(line.read_end), "rb") as pipe:
            received.extend(pipe.read().splitlines())

    interrupted = threading.Event()
    reader = threading.Thread(target=read_after_the_interrupt)
    reader.start()
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Interrupt):
            line.channel.send({"message": "x" * 1_000_000})  # more than a pipe holds: it blocks in the middle
    finally:
        signal.signal(signal.SIGALRM, before)
        interrupted.set()
    line.channel.send({"message": "next"})
    line.channel.close()
    reader.join(30)
    assert [json.loads(one) for one in received[1:]] == [{"message": "next"}]
    with pytest.raises(ValueError, match="Unterminated"):
        json.loads(received[0])


def test_it_does_not_write_into_a_file_that_took_its_number(tmp_path: Any) -> None:
    read_end, write_end = os.pipe()
    channel = Channel(write_end)
    with (tmp_path / "mine").open("wb") as mine:
        os.dup2(mine.fileno(), channel._descriptor)
        channel.send({"t": "log"})
        channel.close()
        os.close(channel._descriptor)  # ours again: the channel kept its hands off
    assert (tmp_path / "mine").read_bytes() == b""
    os.close(read_end)


def test_a_fork_does_not_hold_the_pipe_open(line: Line) -> None:
    stay_out, stay_in = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(stay_in)
        os.read(stay_out, 1)  # until the parent closes its end
        os._exit(int(line.channel.is_open))
    line.channel.send({"n": 1})
    assert line.received() == [b'{"n":1}']  # would wait for the fork if that held our end
    os.close(stay_out)
    os.close(stay_in)
    assert os.waitpid(pid, 0)[1] == 0


def test_a_parent_that_is_gone_ends_the_run(line: Line) -> None:
    rung = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: rung.set())
    os.dup2(os.open(os.devnull, os.O_RDONLY), line.read_end)
    try:
        line.channel.send({"t": "log"})
        assert rung.wait(30)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not line.channel.is_open


@pytest.mark.parametrize(("text", "problem"), [(b"[]", TypeError), (b"{", ValueError), (b"", ValueError)])
def test_a_spec_that_is_none_is_refused(text: bytes, problem: type[Exception]) -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, text)
    os.close(write_end)
    with pytest.raises(problem):
        read_spec(read_end)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (0.9999996, "1970-01-01T00:00:01.000000Z"),
        (1738324800.25, "2025-01-31T12:00:00.250000Z"),
    ],
)
def test_moments_are_utc(seconds: float, text: str) -> None:
    assert moment(seconds) == text
    assert datetime.fromisoformat(text).tzinfo == UTC


def test_now_is_now() -> None:
    assert abs((datetime.fromisoformat(now()) - datetime.now(UTC)).total_seconds()) < 60
