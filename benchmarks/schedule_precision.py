"""How far from its time a scheduled run starts: the first line of its code against the occurrence's time.

One deployment with an interval schedule of 1 s, of which 120 occurrences (`--count`) are taken after one that is not
counted: median, 99th percentile (the nearest rank: the second slowest of 120) and slowest. The control plane's
tick makes occurrences some minutes ahead.
"""

from __future__ import annotations

import math
import statistics
from datetime import datetime
from typing import Any

from benchmarks.place import Place, place, until
from benchmarks.rows import Row, run_alone

EVERY = 1.0


def errors(made: Place, count: int) -> list[float]:
    """Seconds, one for each occurrence."""
    deployment = made.deployment("mark")
    schedule = {"schedule": {"interval": EVERY}, "active": True, "slug": "often"}
    made.call("POST", f"/deployments/{deployment}/schedules", [schedule])
    marks = made.home / "marks"
    until(
        lambda: len(list(marks.glob("*-*"))) > count,
        "occurrences ran",
        patience=120 + EVERY * count,
        pause=0.5,
    )
    for one in made.call("GET", f"/deployments/{deployment}/schedules"):
        made.call("DELETE", f"/deployments/{deployment}/schedules/{one['id']}")
    found = []
    for path in marks.iterdir():
        if path.suffix != ".new":
            due = made.call("GET", f"/flow_runs/{path.name}")["expected_start_time"]
            found.append((datetime.fromisoformat(due).timestamp(), float(path.read_text())))
    return [abs(at - due) for due, at in sorted(found)[1 : count + 1]]


def measure(options: Any) -> list[Row]:
    """The rows of this benchmark."""
    count = options.count or 120
    with place(options.api_url) as made, made.worker():
        found = sorted(errors(made, count))
    nearest = found[math.ceil(0.99 * len(found)) - 1]
    return [
        Row(f"schedule start error, median of {count}", statistics.median(found), "s", 0.1),
        Row(f"schedule start error, 99th percentile of {count}", nearest, "s", 1.0),
        Row("schedule start error, slowest", found[-1], "s"),
    ]


if __name__ == "__main__":
    run_alone(__doc__, measure)
