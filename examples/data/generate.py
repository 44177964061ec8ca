"""Writes `air_quality.csv`: made-up measurements with a daily rhythm, and some rows that are wrong.

The seed is fixed, so the file is always the same: `python examples/data/generate.py`.
"""

from __future__ import annotations

import csv
import io
import math
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

STATIONS = {"Mill Lane": 1.3, "Weir Park": 0.7, "Harbour East": 1.0}
MEANS = {"NO2": 32.0, "O3": 48.0, "PM10": 24.0, "PM2.5": 13.0}
START = datetime(2026, 3, 2, tzinfo=UTC)
HOURS = 48
SEED = 20260302


def good_rows(dice: random.Random) -> list[list[str]]:
    """One row per station, hour and pollutant; traffic hours are high, ozone peaks in the afternoon."""
    rows = []
    for hour in range(HOURS):
        moment = (START + timedelta(hours=hour)).isoformat()
        for station, factor in STATIONS.items():
            for pollutant, mean in MEANS.items():
                peak = 15 if pollutant == "O3" else 8
                rhythm = 1 + 0.45 * math.cos((hour % 24 - peak) / 24 * 2 * math.pi)
                value = mean * factor * rhythm * dice.lognormvariate(0, 0.18)
                rows.append([station, moment, pollutant, f"{value:.1f}", "ug/m3"])
    return rows


def spoil(rows: list[list[str]], dice: random.Random) -> list[list[str]]:
    """Damage a few rows in the ways that real files are damaged."""
    damages = [
        (3, "n/a"),
        (3, "-7.4"),
        (3, "9999"),
        (3, ""),
        (4, "ppb"),
        (2, "SO3"),
        (1, "2026-02-30T08:00"),
        (0, ""),
    ]
    for number, place in enumerate(dice.sample(range(len(rows)), 2 * len(damages))):
        column, text = damages[number % len(damages)]
        rows[place] = [*rows[place][:column], text, *rows[place][column + 1 :]]
    for place in dice.sample(range(len(rows)), 3):
        rows[place] = rows[place][:4]
    for place in sorted(dice.sample(range(len(rows) - 20), 4), reverse=True):
        rows.insert(place + 12, list(rows[place]))
    return rows


def text() -> str:
    """The whole file."""
    dice = random.Random(SEED)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["station", "measured_at", "pollutant", "value", "unit"])
    writer.writerows(spoil(good_rows(dice), dice))
    return stream.getvalue()


if __name__ == "__main__":
    Path(__file__).with_name("air_quality.csv").write_text(text(), encoding="utf-8", newline="\n")
