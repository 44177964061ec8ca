"""What commands print: tables and fields for people, the contract's models as JSON for programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import Console

    Model: TypeAlias = BaseModel | Mapping[str, Any]
    Printable: TypeAlias = Model | Iterable[Model]

WIDE = 400
"""Columns to lay out for when nobody looks: lines that go into a pipe are never folded."""


class Format(StrEnum):
    """How a command prints what it found or made."""

    TABLE = "table"
    JSON = "json"


def console(*, stderr: bool = False) -> Console:
    """Open a console on the stream as it is now; colours only where it is a terminal."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else WIDE
    return Console(file=stream, width=width, highlight=False, soft_wrap=False, emoji=False, markup=False)


def say(text: str, style: str | None = None, *, stderr: bool = False) -> None:
    """Print one line for people."""
    stream = sys.stderr if stderr else sys.stdout
    if not stream.isatty():
        # Without a terminal there is nothing to colour, and a pipe should have each line at once.
        print(text, file=stream, flush=True)
        return
    from rich.text import Text

    console(stderr=stderr).print(Text(text, style=style or ""), soft_wrap=True)


def note(text: str) -> None:
    """Print one line for people beside the output proper, so that JSON stays alone on stdout."""
    sys.stderr.write(f"{text}\n")


def report(output: Format, value: Printable, *lines: str, style: str | None = "green") -> None:
    """Say what was done, the first line in this style, or print what came of it as JSON."""
    if output is Format.JSON:
        print_json(value)
        return
    for number, line in enumerate(lines):
        say(line, None if number else style)


def details(output: Format, value: Printable, fields: Callable[[], Mapping[str, object]]) -> None:
    """Print names and values one below the other, or the thing itself as JSON."""
    if output is Format.JSON:
        print_json(value)
    else:
        print_fields(fields())


def print_json(value: Printable) -> None:
    """Print models as JSON and nothing else."""
    plain = (
        _plain(value) if isinstance(value, Mapping) or hasattr(value, "model_dump") else [*map(_plain, value)]
    )
    sys.stdout.write(json.dumps(plain, indent=2, ensure_ascii=False, default=str) + "\n")


def _plain(value: Any) -> Any:
    return value if isinstance(value, Mapping) else value.model_dump(mode="json")


def print_fields(fields: Mapping[str, object]) -> None:
    """Print names and values one below the other; an object as indented JSON, below the rest if it is too wide."""
    from rich.table import Table
    from rich.text import Text

    out = console()
    room = out.width - max(map(len, fields), default=0) - 2
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="bold")
    grid.add_column(overflow="fold")
    wide: dict[str, str] = {}
    for name, value in fields.items():
        text = value if isinstance(value, Text) else Text(show(value))
        if isinstance(value, dict | list) and max(map(len, text.plain.split("\n"))) > room:
            wide[name] = text.plain
        else:
            grid.add_row(Text(name), text)
    out.print(grid)
    for name, plain in wide.items():
        say(name, "bold")
        say(plain)


def counted(number: int, what: str) -> str:
    """`1 run`, `2 runs`."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def show(value: object) -> str:
    """One value for people."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value) or "-"
    if isinstance(value, dict | list):
        return json.dumps(value, indent=2, ensure_ascii=False, default=str) if value else "-"
    return str(value)
