"""How far from its time a scheduled run starts: the first line of its code against the occurrence's time.

One deployment with an interval schedule of 2 s (`--count` occurrences, after one that is not counted); median
and slowest, which stands for the 99th percentile as long as there are fewer than a hundred. The control
plane's tick makes occurrences some minutes ahead.
"""

from __future__ import annotations

import statistics
from datetime import datetime
from typing import Any

from benchmarks.place import Place, place, until
from benchmarks.rows import Row, run_alone

EVERY = 2.0


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
    count = options.count or 15
    with place(options.api_url) as made, made.worker():
        found = errors(made, count)
    return [
        Row(f"schedule start error, median of {count}", statistics.median(found), "s", 0.1),
        Row(f"schedule start error, slowest of {count} (for p99)", max(found), "s", 1.0),
    ]


if __name__ == "__main__":
    run_alone(__doc__, measure)
