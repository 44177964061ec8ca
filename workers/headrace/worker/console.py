"""What the worker tells the person who started it: coloured on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console as RichConsole

_MARKS = {
    "start": ("▶", "cyan"),
    "good": ("✔", "green"),
    "bad": ("✖", "red"),
    "note": ("•", "dim"),
    "out": (" ", "dim"),
}


class Console:
    """One line per thing that happened."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._rich: RichConsole | None = None
        if self._out.isatty():
            # Rich costs 10 MB, so only where somebody looks.
            from rich.console import Console as RichConsole

            self._rich = RichConsole(file=self._out, highlight=False, soft_wrap=True)

    def say(self, tone: str, text: str) -> None:
        """One line; `tone` is start, good, bad, note or out (a run's own output)."""
        mark, style = _MARKS[tone]
        at = datetime.now().astimezone().strftime("%H:%M:%S")
        if self._rich is not None:
            from rich.text import Text

            line = Text.assemble(
                (at, "dim"), " ", (mark, style), " ", (text, style if tone in ("bad", "out") else "")
            )
            self._rich.print(line)
            return
        try:
            self._out.write(f"{at} {mark.strip() or '|'} {text}\n")
            self._out.flush()
        except (UnicodeEncodeError, BrokenPipeError):
            # A terminal without these characters, or a reader that left: the runs matter more.
            return
