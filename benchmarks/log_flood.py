"""A run that prints a million lines (`--count`), and what the other runs of its worker feel of it.

Trigger latency of runs that are created one after the other while the flood goes on, against the same before
it. Then the lines that the control plane has of the flood are counted; what is missing must be told by a line
that says so (a record of the worker's own in the run's log).
"""

from __future__ import annotations

import statistics
import time
from typing import Any

from benchmarks.place import Place, place
from benchmarks.rows import Row, run_alone

WARM_UP = 5


def latency(made: Place) -> float:
    """Milliseconds of one run."""
    before = time.time()
    run = made.run("mark")
    return (float(made.marked(run)) - before) * 1000


def logged(made: Place, run: str) -> tuple[int, list[str]]:
    """How many lines of it the control plane has, and which lines the worker added."""
    kept, marks, cursor = 0, [], None
    while True:
        body: dict[str, Any] = {"limit": 200, **({"cursor": cursor} if cursor else {})}
        page = made.http.post("/logs/filter", json=body | {"logs": {"flow_run_id": {"any_": [run]}}})
        page.raise_for_status()
        records = page.json()
        kept += sum(record["name"] == "stdout" for record in records)
        marks += [record["message"] for record in records if record["name"].startswith("headrace")]
        cursor = page.headers.get("Headrace-Next-Cursor")
        if not cursor:
            return kept, marks


def measure(options: Any) -> list[Row]:
    """The rows of this benchmark."""
    lines = options.count or 1_000_000
    with place(options.api_url) as made, made.worker():
        for _ in range(WARM_UP):
            latency(made)
        calm = [latency(made) for _ in range(15)]
        before = time.perf_counter()
        flood = made.run("chatter", lines=lines)
        during = []
        while made.state(flood) != "COMPLETED":
            during.append(latency(made))
            time.sleep(0.1)
        took = time.perf_counter() - before
        kept, marks = logged(made, flood)
    return [
        Row(f"flood of {lines:,} lines: from trigger to its end", took, "s"),
        Row("trigger to first line of another run, without it", statistics.median(calm), "ms"),
        Row("trigger to first line of another run, with it", statistics.median(during or [0]), "ms"),
        Row("the slowest of these", max(during or [0]), "ms"),
        Row("lines of it that the control plane has", kept, ""),
        Row("lines lost without a mark that says so", 0 if kept == lines or marks else lines - kept, "", 0),
    ]


if __name__ == "__main__":
    run_alone(__doc__, measure)
