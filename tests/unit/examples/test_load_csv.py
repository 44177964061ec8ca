"""The example that loads a CSV into SQLite: the shipped file, and files with each kind of mistake."""

from __future__ import annotations

import csv
import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.unit.examples.loading import EXAMPLES, load

example = load("load_csv.py")
HEADER = "station,measured_at,pollutant,value,unit"
GOOD = "Mill Lane,2026-03-02T00:00+00:00,NO2,31.5,ug/m3"
BAD = {
    ",2026-03-02T00:00+00:00,NO2,31.5,ug/m3": "no station",
    "Mill Lane,2026-03-02T00:00+00:00,SO3,31.5,ug/m3": "unknown pollutant 'SO3'",
    "Mill Lane,2026-03-02T00:00+00:00,NO2,31.5,ppb": "unit 'ppb' instead of 'ug/m3'",
    "Mill Lane,2026-02-30T00:00+00:00,NO2,31.5,ug/m3": "'2026-02-30T00:00+00:00' is not a time",
    "Mill Lane,2026-03-02T00:00,NO2,31.5,ug/m3": "time '2026-03-02T00:00' has no zone",
    "Mill Lane,2026-03-02T00:00+00:00,NO2,n/a,ug/m3": "value 'n/a' is not a number",
    "Mill Lane,2026-03-02T00:00+00:00,NO2,-1,ug/m3": "value -1 is outside 0 to 1000",
    "Mill Lane,2026-03-02T00:00+00:00,NO2,nan,ug/m3": "value nan is outside 0 to 1000",
    "Mill Lane,2026-03-02T00:00+00:00,NO2,31.5": "4 columns instead of 5",
    GOOD: "repeats line 2",
    "Mill Lane,2026-03-02T01:00+01:00,NO2,8,ug/m3": "repeats line 2",
}


def run(folder: Path, source: Path = EXAMPLES / "data/air_quality.csv", **parameters: object) -> dict:
    places = {"database": str(folder / "a.sqlite"), "rejects": str(folder / "rejects.csv")}
    return example.load_csv.with_options(retries=0)(source=str(source), **places, **parameters)


def rows(folder: Path) -> list[tuple]:
    with closing(sqlite3.connect(folder / "a.sqlite")) as connection:
        return connection.execute("SELECT station, measured_at, pollutant, value FROM measurement").fetchall()


def rejects(folder: Path) -> list[list[str]]:
    with (folder / "rejects.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))[1:]


def test_the_shipped_file(tmp_path: Path) -> None:
    counts = run(tmp_path)

    assert (counts["read"], counts["stored"], counts["new"], counts["rejected"]) == (580, 557, 557, 23)
    assert len(rows(tmp_path)) == 557
    assert len(rejects(tmp_path)) == 23


def test_running_again_changes_nothing(tmp_path: Path) -> None:
    run(tmp_path)
    before = rows(tmp_path)

    counts = run(tmp_path)

    assert (counts["stored"], counts["new"]) == (557, 0)
    assert rows(tmp_path) == before
    assert len(rejects(tmp_path)) == 23


@pytest.mark.parametrize(("row", "reason"), BAD.items(), ids=list(BAD.values()))
def test_a_bad_row_is_listed_with_its_reason(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, row: str, reason: str
) -> None:
    source = tmp_path / "in.csv"
    source.write_text(f"{HEADER}\n{GOOD}\n{row}\n", encoding="utf-8")

    with caplog.at_level(logging.WARNING):
        counts = run(tmp_path, source)

    assert (counts["stored"], counts["rejected"]) == (1, 1)
    assert rows(tmp_path) == [("Mill Lane", "2026-03-02T00:00:00+00:00", "NO2", 31.5)]
    assert rejects(tmp_path) == [["3", reason, row]]


def test_a_file_that_is_all_wrong_stores_nothing(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text(f"{HEADER}\n{GOOD}\n" + f"{GOOD}\n" * 3, encoding="utf-8")

    with pytest.raises(ValueError, match="3 bad rows, more than 2: nothing stored"):
        run(tmp_path, source, most_rejects=2)
    assert not (tmp_path / "a.sqlite").exists()
    assert len(rejects(tmp_path)) == 3


@pytest.mark.parametrize("text", ["", "a,b,c\n", GOOD])
def test_another_header_is_refused(tmp_path: Path, text: str) -> None:
    source = tmp_path / "in.csv"
    source.write_text(text, encoding="utf-8")

    with pytest.raises(ValueError, match="starts with the columns"):
        run(tmp_path, source)


def test_the_shipped_file_is_what_its_generator_writes() -> None:
    shipped = (EXAMPLES / "data/air_quality.csv").read_text(encoding="utf-8")

    assert load("data/generate.py").text() == shipped
