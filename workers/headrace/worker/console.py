"""What the worker tells the person who started it: coloured on a terminal, plain lines elsewhere.

A thread writes it, since nobody may be there to take it: a terminal after Ctrl-S, or a pipe that is not read. Whoever
says something never waits; past a bound lines are dropped, and a line says how many.
"""

from __future__ import annotations

import os
import select
import sys
import threading
from collections import deque
from collections.abc import Iterable
from datetime import datetime
from typing import TextIO

_MARKS = {
    "start": ("▶", "\x1b[36m"),
    "good": ("✔", "\x1b[32m"),
    "bad": ("✖", "\x1b[31m"),
    "note": ("•", "\x1b[2m"),
    "out": ("|", "\x1b[2m"),
}
_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"
OUT_BYTES = 256 * 1024
"""Of runs' own output waits at most about this much, of all together twice as much."""
LAST_WAIT = 2.0
"""Seconds at the end for what is not written yet."""


class Console:
    """One line per thing that happened; may be used by several threads."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._handle = _handle(self._out)
        terminal = self._out.isatty() and os.environ.get("TERM") != "dumb"
        self._coloured = terminal and not os.environ.get("NO_COLOR")
        self._changed = threading.Condition()
        self._waiting: deque[bytes] = deque()
        self._size = self._dropped = 0
        self._writing = self._is_gone = False
        self._thread: threading.Thread | None = None

    def say(self, tone: str, text: str) -> None:
        """One line; `tone` is start, good, bad, note or out (a run's own output)."""
        self.say_all(tone, [text])

    def say_all(self, tone: str, texts: Iterable[str]) -> None:
        """Several lines at once."""
        head, tail = self._frame(tone)
        lines = [f"{head}{text}{tail}\n" for text in texts]
        data = "".join(lines).encode(self._out.encoding or "utf-8", "replace")
        if self._handle is None:
            self._out.write(data.decode(self._out.encoding or "utf-8"))
            return
        with self._changed:
            if self._size + len(data) > OUT_BYTES * (1 if tone == "out" else 2):
                self._dropped += len(lines)
                return
            self._waiting.append(data)
            self._size += len(data)
            if self._thread is None:
                self._thread = threading.Thread(target=self._go, name="console", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def close(self, patience: float = LAST_WAIT) -> None:
        """Wait a moment until all is written."""
        with self._changed:
            self._changed.wait_for(lambda: not (self._waiting or self._writing), timeout=patience)

    def _frame(self, tone: str) -> tuple[str, str]:
        mark, colour = _MARKS[tone]
        at = datetime.now().astimezone().strftime("%H:%M:%S")
        if not self._coloured:
            return f"{at} {mark} ", ""
        if tone in ("bad", "out"):
            return f"{_DIM}{at}{_PLAIN} {colour}{mark} ", _PLAIN
        return f"{_DIM}{at}{_PLAIN} {colour}{mark}{_PLAIN} ", ""

    def _go(self) -> None:
        while True:
            with self._changed:
                self._writing = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._waiting)
                data = b"".join(self._waiting)
                if self._dropped:
                    data += self._note_of_loss()
                self._waiting.clear()
                self._size = self._dropped = 0
                self._writing = True
            self._write(data)

    def _note_of_loss(self) -> bytes:
        head, tail = self._frame("bad")
        text = f"{self._dropped} lines are not shown here: nobody took them in time. What runs print is in their logs."
        return f"{head}{text}{tail}\n".encode(self._out.encoding or "utf-8", "replace")

    def _write(self, data: bytes) -> None:
        """Past the stream's buffer, whose lock the interpreter would wait for at its end."""
        rest = memoryview(data)
        while rest and not self._is_gone and self._handle is not None:
            try:
                rest = rest[os.write(self._handle, rest) :]
            except BlockingIOError:  # somebody who shares it has made it so
                select.select([], [self._handle], [], 1.0)
            except OSError:
                # The reader or the terminal is gone; the runs matter more.
                self._is_gone = True


def _handle(out: TextIO) -> int | None:
    """The descriptor behind a stream; what has none is in memory, and never blocks."""
    try:
        out.flush()
        return out.fileno()
    except (OSError, ValueError):
        return None
