"""What a worker says to the person who started it, and that saying it never waits."""

from __future__ import annotations

import io
import os
import pty
import re
import threading
from collections.abc import Callable, Iterator
from typing import TextIO

import pytest

from headrace.worker.console import OUT_BYTES, Console

LINE = "x" * 1000
FLOOD = 4 * OUT_BYTES // len(LINE)


@pytest.fixture
def pipe() -> Iterator[tuple[int, TextIO]]:
    """The reader's descriptor and the writer's stream."""
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as out:
        yield reader, out
        os.close(reader)  # so that a thread that still writes is told


def in_time(do: Callable[[], object]) -> None:
    """Do it in a thread, which must end."""
    thread = threading.Thread(target=do, daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive(), "it waits for a reader"


def text_until(reader: int, enough: Callable[[str], bool]) -> str:
    data = b""
    while not enough(data.decode(errors="replace")):
        more = os.read(reader, 65536)
        assert more, f"the end came before it: {data[-300:]!r}"
        data += more
    return data.decode()


def dropped(text: str) -> int:
    return sum(map(int, re.findall(r"(\d+) lines are not shown", text)))


def test_lines_go_out_as_they_come(pipe: tuple[int, TextIO]) -> None:
    reader, out = pipe
    console = Console(out)
    console.say("good", "ready")
    console.say_all("out", ["one", "zwei ä"])
    console.close()
    rows = text_until(reader, lambda text: text.endswith("zwei ä\n")).splitlines()
    assert [re.sub(r"^\d\d:\d\d:\d\d ", "", row) for row in rows] == ["✔ ready", "| one", "| zwei ä"]


def test_nobody_waits_for_a_reader_and_what_was_dropped_is_told(pipe: tuple[int, TextIO]) -> None:
    reader, out = pipe
    console = Console(out)

    def talk() -> None:
        for _ in range(FLOOD):
            console.say("out", LINE)
        console.say("note", "still there")
        console.close(patience=0.01)

    in_time(talk)
    text = text_until(reader, lambda text: text.count(LINE) + dropped(text) >= FLOOD)
    assert text.count(LINE) + dropped(text) == FLOOD
    assert text.count(LINE) * len(LINE) >= OUT_BYTES / 2
    assert "still there" in text, "what is no run's output has room of its own"
    console.say("note", "goes on")
    text_until(reader, lambda text: "goes on" in text)


def test_a_reader_that_left_is_no_matter(pipe: tuple[int, TextIO]) -> None:
    reader, out = pipe
    console = Console(out)
    os.dup2(os.open(os.devnull, os.O_RDONLY), reader)
    in_time(lambda: [console.say("out", LINE) for _ in range(FLOOD)])
    in_time(console.close)


@pytest.mark.parametrize(("variable", "coloured"), [("", True), ("NO_COLOR", False)])
def test_colours_are_for_terminals(monkeypatch: pytest.MonkeyPatch, variable: str, coloured: bool) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    if variable:
        monkeypatch.setenv(variable, "1")
    reader, writer = pty.openpty()
    with os.fdopen(writer, "w") as out:
        console = Console(out)
        console.say("bad", "broken")
        console.close()
        text = text_until(reader, lambda text: "broken" in text)
    os.close(reader)
    assert ("\x1b[31m" in text) is coloured


def test_what_is_in_memory_is_written_there() -> None:
    out = io.StringIO()
    Console(out).say("start", "r")
    assert out.getvalue().endswith("▶ r\n")
