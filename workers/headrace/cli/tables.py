"""Tables for people: aligned, and readable on a narrow terminal too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeVar

from headrace.cli.output import WIDE, Format, console, print_json, say, show

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from headrace.cli.output import Model

ItemT = TypeVar("ItemT", bound="Model")


@dataclass(frozen=True)
class Column:
    """One column of a table: never folded if `solid`; `below` the first one where the terminal is narrow."""

    name: str
    solid: bool = False
    right: bool = False
    below: bool = False
    style: str | None = None
    least: int | None = None


ID = Column("ID", solid=True, below=True)
"""Ids are shown whole, to be copied."""


def listing(
    output: Format,
    items: Sequence[ItemT],
    columns: Sequence[Column],
    row: Callable[[ItemT], Sequence[object]],
    empty: str,
) -> None:
    """Print a table with one row for each item, or the items as JSON."""
    if output is Format.JSON:
        print_json(items)
    else:
        print_table(columns, map(row, items), empty)


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[object]], empty: str) -> None:
    """Print an aligned table, or one line that says what to do when there is nothing in it."""
    cells = [[_cell(value) for value in row] for row in rows]
    if not cells:
        say(empty)
        return
    out = console()
    table = _table(columns, cells)
    if table.__rich_measure__(out, out.options.update(width=WIDE)).maximum > out.width:
        table = _table(*_stacked(columns, cells))
    out.print(table)


def _cell(value: object) -> Text:
    from rich.text import Text

    return value if isinstance(value, Text) else Text(show(value))


def _table(columns: Sequence[Column], cells: Sequence[Sequence[Text]]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        justify: Literal["left", "right"] = "right" if column.right else "left"
        table.add_column(
            Text(column.name, style="bold"),
            no_wrap=column.solid,
            justify=justify,
            style=column.style,
            overflow="fold",
            min_width=column.least,
        )
    for row in cells:
        table.add_row(*row)
    return table


def _stacked(
    columns: Sequence[Column], cells: Sequence[Sequence[Text]]
) -> tuple[Sequence[Column], Sequence[Sequence[Text]]]:
    """The same for a narrow terminal: what may stand below the first column does."""
    from rich.text import Text

    kept = [number for number, column in enumerate(columns) if number and not column.below]
    moved = [number for number, column in enumerate(columns) if number and column.below]
    title = "\n".join(columns[number].name for number in (0, *moved))
    least = max((row[number].cell_len for row in cells for number in moved), default=None)
    head = replace(columns[0], name=title, style=None, least=least)
    rows = []
    for row in cells:
        name = Text(row[0].plain, style=columns[0].style or "")
        rows.append([Text("\n").join([name, *(row[number] for number in moved)]), *(row[n] for n in kept)])
    return [head, *(columns[number] for number in kept)], rows
