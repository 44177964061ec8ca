"""A run that writes a million lines (`--count`), and what the other runs of its worker feel of it.

Three times: lines that are printed, lines that are logged (`logger.info`), and printed ones where the worker's own
output is a terminal, with a program that reads it. Each time the trigger latency of runs that are created one after
the other before the flood, and while it goes on. Then the lines that the control plane has of the flood are told; what
is missing must be told by a line that says so (a record of the worker's own in the run's log).
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
    lines = [record["message"] for record in records if record["name"] in ("stdout", "flood")]
    numbers = [int(line.split()[1]) for line in lines]
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


def flood(made: Place, name: str, flow: str, lines: int, *, terminal: bool) -> list[Row]:
    """The rows of one flood."""
    with made.worker(terminal=terminal):
        for _ in range(WARM_UP):
            latency(made)
        calm = [latency(made) for _ in range(15)]
        before = time.perf_counter()
        run = made.run(flow, lines=lines)
        during = []
        while made.state(run) != "COMPLETED":
            during.append(latency(made))
            time.sleep(0.1)
        took = time.perf_counter() - before
        kept, marks = settled(made, run)
    without, along = statistics.median(calm), statistics.median(during or [0])
    lost = 0 if kept == lines or any("cut here" in mark for mark in marks) else lines - kept
    return [
        Row(
            f"{name}: trigger to first line of another run, with it, as a multiple of without",
            along / without,
        ),
        Row("trigger to its first line without the flood", without, "ms"),
        Row("the same with it", along, "ms"),
        Row("the slowest with it", max(during or [0]), "ms"),
        Row(f"from the trigger of {lines:,} lines to their end", took, "s"),
        Row("number of the last line of it that the control plane has", kept),
        Row("lines lost without a mark that says so", lost, "", 0),
    ]


def measure(options: Any) -> list[Row]:
    """The rows of this benchmark."""
    lines = options.count or 1_000_000
    rows: list[Row] = []
    with place(options.api_url) as made:
        for name, flow, terminal in (
            ("printed", "chatter", False),
            ("logged", "log", False),
            ("printed on a terminal", "chatter", True),
        ):
            rows += flood(made, name, flow, lines, terminal=terminal)
    return rows


if __name__ == "__main__":
    run_alone(__doc__, measure)
