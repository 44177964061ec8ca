"""Tables on terminals of any width: nothing is ever cut off, in none that the command prints."""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest

from headrace.cli import commands
from headrace.cli.tables import ID, Column, print_table

WIDTHS = {"Due": 25, "Run": 17, "Code": 19, "Expires": 16, "Last Used": 11}
"""Characters of what columns that are not folded show at most, where that is more than ten."""


def _tables() -> Iterator[tuple[str, Sequence[Column]]]:
    for module in pkgutil.iter_modules(commands.__path__, f"{commands.__name__}."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, tuple) and value and all(isinstance(each, Column) for each in value):
                yield f"{module.name.rpartition('.')[2]}.{name}", value


TABLES = dict(_tables())


def _length(column: Column, row: int) -> int:
    if column is ID:
        return 36
    return WIDTHS.get(column.name, 11) if column.solid else (3, 17, 70)[row]


@pytest.mark.parametrize("width", [20, 40, 80, 100])
@pytest.mark.parametrize("name", TABLES)
def test_no_table_loses_a_character(
    name: str, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each cell is made of a letter of its own, and each letter is there as often as it was given."""
    monkeypatch.setenv("COLUMNS", str(width))
    columns, letters = TABLES[name], map(chr, range(0x400, 0x500))
    rows = [[next(letters) * _length(column, row) for column in columns] for row in range(3)]

    print_table(columns, rows, "empty")

    out = capsys.readouterr().out
    printed = Counter(out)
    assert {cell[0]: printed[cell[0]] for row in rows for cell in row} == {
        cell[0]: len(cell) for row in rows for cell in row
    }
    assert max(map(len, out.splitlines())) <= width


@pytest.mark.parametrize("name", [name for name, columns in TABLES.items() if ID in columns])
def test_ids_stay_whole_at_80_columns(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    columns = TABLES[name]

    print_table(columns, [["#" * 36 if column is ID else "text " * 9 for column in columns]], "empty")

    assert "#" * 36 in capsys.readouterr().out


def test_the_time_of_the_next_run_is_seen_at_80_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    schedule = ["every-30-minutes", "every 30 minutes from 2026-01-01T00:00:00+00:00", "yes"]

    print_table(TABLES["schedule.COLUMNS"], [[*schedule, "2026-11-25 23:30:00 CET", "#" * 36]], "empty")

    assert "2026-11-25 23:30:00 CET" in capsys.readouterr().out
