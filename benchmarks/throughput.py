"""No-op runs per second of one worker, as a part of what a bare loop of processes does on the same machine.

The runs are created first, then the worker (limit 8) is started; the clock runs from the worker's first
start of a run to the end of the last one, as the control plane recorded them. The bare loop is
`subprocess.run([python, noop.py])` in as many threads, just before and just after; the mean of the two counts.
"""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.place import Place, place
from benchmarks.rows import Row, run_alone

LIMIT = 8


def bare(folder: Path, count: int) -> float:
    """Bare processes per second."""
    script = folder / "noop.py"
    script.write_text("def noop():\n    pass\n\n\nnoop()\n")
    before = time.perf_counter()
    with ThreadPoolExecutor(LIMIT) as pool:
        list(pool.map(lambda _: subprocess.run([sys.executable, script], check=True), range(count)))
    return count / (time.perf_counter() - before)


def runs(made: Place, count: int, method: str) -> float:
    """Runs per second."""
    created = [made.run("noop") for _ in range(count)]
    with made.worker(LIMIT, "--start-method", method):
        made.over(*created)
    found = [made.call("GET", f"/flow_runs/{run}") for run in created]
    first = min(datetime.fromisoformat(run["start_time"]) for run in found)
    last = max(datetime.fromisoformat(run["end_time"]) for run in found)
    return count / (last - first).total_seconds()


def measure(options: Any) -> list[Row]:
    """The rows of this benchmark."""
    count = options.count or 200
    rows = []
    with place(options.api_url) as made:
        for method, budget in (("auto", 0.5), ("spawn", None)):
            before = bare(made.home, count)
            speed = runs(made, count, method)
            floor = (before + bare(made.home, count)) / 2
            rows += [
                Row(
                    f"no-op runs, one worker, {method}, as a part of the bare loop",
                    speed / floor,
                    "",
                    budget,
                    True,
                ),
                Row(f"no-op runs, one worker, {method}", speed, "/s"),
                Row(f"floor: bare processes, {LIMIT} at once", floor, "/s"),
            ]
    return rows


if __name__ == "__main__":
    run_alone(__doc__, measure)
