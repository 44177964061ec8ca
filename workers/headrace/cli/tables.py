"""Tables for people: aligned, and readable on a narrow terminal too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from headrace.cli.output import Format, console, print_json, say, show

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from headrace.cli.output import Model

ItemT = TypeVar("ItemT", bound="Model")

GAP = 2
"""Columns of the terminal between two of a table."""
LEAST = 16
"""A column of texts is folded to no less; where that does not fit, a column more stands below the first."""


@dataclass(frozen=True)
class Column:
    """One column of a table: never folded if `solid`; `below` the first one where the terminal is narrow."""

    name: str
    solid: bool = False
    right: bool = False
    below: bool = False
    style: str | None = None


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
    """Print an aligned table, or one line that says what to do when there is nothing in it.

    Where the terminal is too narrow for it, columns stand below the first one and texts are folded; nothing
    is ever cut off.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    if not cells:
        say(empty)
        return
    out = console()
    table = _Columns(columns, cells)
    if sum(table.natural) + GAP * (len(columns) - 1) > out.width:
        table = _stacked(columns, cells, out.width)
    out.print(table.drawn(out.width))


def _cell(value: object) -> Text:
    from rich.text import Text

    return value if isinstance(value, Text) else Text(show(value))


class _Columns:
    """Columns with their cells, and how wide they are: unfolded (`natural`), and folded as far as may be (`least`)."""

    def __init__(
        self, columns: Sequence[Column], cells: Sequence[Sequence[Text]], head_least: int | None = None
    ) -> None:
        self.columns = columns
        self.cells = cells
        self.natural = [
            max(map(_width, (column.name, *(row[number].plain for row in cells))))
            for number, column in enumerate(columns)
        ]
        self.least = [
            width if column.solid else min(width, LEAST)
            for column, width in zip(columns, self.natural, strict=True)
        ]
        if head_least is not None:
            self.least[0] = max(self.least[0], head_least)

    def fits(self, width: int) -> bool:
        """Whether it can be folded into so many columns of the terminal."""
        return sum(self.least) + GAP * (len(self.columns) - 1) <= width

    def widths(self, width: int) -> list[int]:
        """The width of each column; what room is left goes to those that miss most."""
        widths = list(self.least)
        room = width - GAP * (len(widths) - 1)
        while sum(widths) < room:
            missing = [natural - now for natural, now in zip(self.natural, widths, strict=True)]
            if max(missing) <= 0:
                break
            widths[missing.index(max(missing))] += 1
        return widths if len(widths) > 1 else [min(widths[0], max(room, 1))]

    def drawn(self, width: int) -> Table:
        """The table for rich."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
        for column, wide in zip(self.columns, self.widths(width), strict=True):
            justify: Literal["left", "right"] = "right" if column.right else "left"
            table.add_column(
                Text(column.name, style="bold"),
                justify=justify,
                style=column.style,
                overflow="fold",
                width=wide,
            )
        for row in self.cells:
            table.add_row(*row)
        return table


def _width(text: str) -> int:
    from rich.cells import cell_len

    return max(map(cell_len, text.split("\n")))


def _stacked(columns: Sequence[Column], cells: Sequence[Sequence[Text]], width: int) -> _Columns:
    """The same for a narrow terminal: what may stand below the first column does, and as much more as must."""
    moved = {number for number, column in enumerate(columns) if number and column.below}
    least = _Columns(columns, cells).least
    while True:
        table = _below(columns, cells, moved, least)
        kept = [number for number in range(1, len(columns)) if number not in moved]
        if table.fits(width) or not kept:
            return table
        moved.add(max(kept, key=least.__getitem__))


def _below(
    columns: Sequence[Column], cells: Sequence[Sequence[Text]], moved: set[int], least: Sequence[int]
) -> _Columns:
    from rich.text import Text

    stack = [0, *sorted(moved)]
    kept = [number for number in range(1, len(columns)) if number not in moved]
    head = Column("\n".join(columns[number].name for number in stack))
    rows = []
    for row in cells:
        name = Text(row[0].plain, style=columns[0].style or "")
        rows.append([Text("\n").join([name, *(row[n] for n in stack[1:])]), *(row[n] for n in kept)])
    return _Columns([head, *(columns[n] for n in kept)], rows, max(least[number] for number in stack))
