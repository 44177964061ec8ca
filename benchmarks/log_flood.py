"""A run that prints a million lines (`--count`), and what the other runs of its worker feel of it.

Trigger latency of runs that are created one after the other while the flood goes on, against the same before
it. Then the lines that the control plane has of the flood are told; what is missing must be told by a line that
says so (a record of the worker's own in the run's log).
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
    """The number of its last line that the control plane has, and which lines the worker added at the end.

    From the newest page alone, since reading a million lines back would take longer than writing them.
    """
    body = {"limit": 200, "sort": "TIMESTAMP_DESC", "logs": {"flow_run_id": {"any_": [run]}}}
    records = made.call("POST", "/logs/filter", body)
    numbers = [int(record["message"].split()[1]) for record in records if record["name"] == "stdout"]
    marks = [record["message"] for record in records if record["name"].startswith("headrace")]
    return max(numbers, default=-1) + 1, marks


def settled(made: Place, run: str) -> tuple[int, list[str]]:
    """The same once it has not changed for ten seconds: an end is reported before the rest of the log."""
    found, since = logged(made, run), time.monotonic()
    while time.monotonic() - since < 10:
        time.sleep(0.5)
        if (now := logged(made, run)) != found:
            found, since = now, time.monotonic()
    return found


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
        kept, marks = settled(made, flood)
    return [
        Row(f"flood of {lines:,} lines: from trigger to its end", took, "s"),
        Row("trigger to first line of another run, without it", statistics.median(calm), "ms"),
        Row("trigger to first line of another run, with it", statistics.median(during or [0]), "ms"),
        Row("the slowest of these", max(during or [0]), "ms"),
        Row("number of the last line of it that the control plane has", kept, ""),
        Row(
            "lines lost without a mark that says so",
            0 if kept == lines or any("cut here" in mark for mark in marks) else lines - kept,
            "",
            0,
        ),
    ]


if __name__ == "__main__":
    run_alone(__doc__, measure)
