"""A flow that loads a CSV of air-quality measurements into SQLite and sets aside the rows that are wrong.

Run it by itself with `python examples/load_csv.py`, or deploy it with
`headrace deploy examples/load_csv.py:load_csv -n my-deployment -p my-process-pool`.
"""

from __future__ import annotations

import csv
import json
import math
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from headrace import flow, get_run_logger, task

COLUMNS = ["station", "measured_at", "pollutant", "value", "unit"]
# The highest hourly value that a working instrument shows; above it the sensor is at fault.
HIGHEST = {"NO2": 1000.0, "O3": 600.0, "PM10": 2000.0, "PM2.5": 1000.0}
UNIT = "ug/m3"

CREATE = """
CREATE TABLE IF NOT EXISTS measurement (
    station TEXT NOT NULL,
    measured_at TEXT NOT NULL,
    pollutant TEXT NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (station, measured_at, pollutant)
) WITHOUT ROWID
"""
UPSERT = """
INSERT INTO measurement (station, measured_at, pollutant, value) VALUES (?, ?, ?, ?)
ON CONFLICT (station, measured_at, pollutant) DO UPDATE SET value = excluded.value
"""


@dataclass(frozen=True)
class Measurement:
    """One good row."""

    station: str
    measured_at: str
    pollutant: str
    value: float

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes a measurement the same one."""
        return self.station, self.measured_at, self.pollutant


@dataclass(frozen=True)
class Reject:
    """One bad row: where it stands, why it is refused, and its text."""

    line: int
    reason: str
    row: str


def check(row: list[str]) -> Measurement:
    """Turn the text of a row into a measurement, or raise `ValueError` with the reason."""
    if len(row) != len(COLUMNS):
        raise ValueError(f"{len(row)} columns instead of {len(COLUMNS)}")
    station, measured_at, pollutant, value, unit = (cell.strip() for cell in row)
    if not station:
        raise ValueError("no station")
    if pollutant not in HIGHEST:
        raise ValueError(f"unknown pollutant {pollutant!r}")
    if unit != UNIT:
        raise ValueError(f"unit {unit!r} instead of {UNIT!r}")
    return Measurement(station, check_time(measured_at), pollutant, check_value(value, HIGHEST[pollutant]))


def check_time(text: str) -> str:
    """Read a time with its zone and give it in UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a time") from None
    if moment.tzinfo is None:
        raise ValueError(f"time {text!r} has no zone")
    return moment.astimezone(UTC).isoformat()


def check_value(text: str, highest: float) -> float:
    """Read a concentration that an instrument can have shown."""
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"value {text!r} is not a number") from None
    if not math.isfinite(value) or not 0 <= value <= highest:
        raise ValueError(f"value {text} is outside 0 to {highest:g}")
    return value


def check_new(measurement: Measurement, lines: dict[tuple[str, str, str], int]) -> None:
    """Refuse a measurement that an earlier line of the file gave already."""
    if measurement.key in lines:
        raise ValueError(f"repeats line {lines[measurement.key]}")


@task
def read_rows(source: Path) -> tuple[list[Measurement], list[Reject]]:
    """Sort the rows of a file into good and bad."""
    lines: dict[tuple[str, str, str], int] = {}
    measurements: list[Measurement] = []
    rejects: list[Reject] = []
    with source.open(newline="", encoding="utf-8") as stream:
        reader = csv.reader(stream)
        if (header := next(reader, [])) != COLUMNS:
            raise ValueError(f"{source} starts with the columns {header}; expected {COLUMNS}")
        for row in reader:
            try:
                measurement = check(row)
                check_new(measurement, lines)
            except ValueError as problem:
                rejects.append(Reject(reader.line_num, str(problem), ",".join(row)))
            else:
                lines[measurement.key] = reader.line_num
                measurements.append(measurement)
    return measurements, rejects


@task(retries=2)
def store(database: Path, measurements: list[Measurement]) -> tuple[int, int]:
    """Write the rows in one transaction; tell how many rows the table had before and has now."""
    database.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        connection.execute(CREATE)
        before = connection.execute("SELECT count(*) FROM measurement").fetchone()[0]
        connection.executemany(UPSERT, [(*m.key, m.value) for m in measurements])
        after = connection.execute("SELECT count(*) FROM measurement").fetchone()[0]
    return before, after


@task
def write_rejects(target: Path, rejects: list[Reject]) -> None:
    """List the bad rows with their reasons, replacing the list of an earlier run."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["line", "reason", "row"])
        writer.writerows([r.line, r.reason, r.row] for r in rejects)


@flow(retries=2, retry_delay_seconds=1)
def load_csv(
    source: str = "examples/data/air_quality.csv",
    database: str = "reports/air_quality.sqlite",
    rejects: str = "reports/air_quality_rejects.csv",
    most_rejects: int = 50,
) -> dict[str, object]:
    """Load measurements into SQLite; running it again changes nothing.

    Args:
        source: The CSV file.
        database: The SQLite file; made if it is not there.
        rejects: Where to list the rows that were refused.
        most_rejects: With more bad rows than this the file itself must be wrong, and nothing is stored.
    """
    logger = get_run_logger()
    measurements, bad = read_rows(Path(source))
    logger.info("Read %d rows of %s", len(measurements) + len(bad), source)
    write_rejects(Path(rejects), bad)
    for reject in bad:
        logger.warning("Line %d refused: %s", reject.line, reject.reason)
    if len(bad) > most_rejects:
        raise ValueError(f"{len(bad)} bad rows, more than {most_rejects}: nothing stored, see {rejects}")
    before, after = store(Path(database), measurements)
    logger.info("%s holds %d rows now, %d of them new", database, after, after - before)
    return {
        "read": len(measurements) + len(bad),
        "stored": len(measurements),
        "new": after - before,
        "rejected": len(bad),
        "by_pollutant": dict(sorted(Counter(m.pollutant for m in measurements).items())),
        "database": str(Path(database).resolve()),
        "rejects": str(Path(rejects).resolve()),
    }


if __name__ == "__main__":
    print(json.dumps(load_csv(), indent=2))
