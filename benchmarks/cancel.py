"""From the request that cancels a run to the end of its process, where that honours SIGTERM.

The flow sleeps. The clock runs from just before the POST until the process is no more to be found; looked at
every 4 ms, so up to that is too much.
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

from benchmarks.place import Place, place, until
from benchmarks.rows import Row, run_alone


def seconds_to_gone(made: Place) -> float:
    """For one run."""
    run = made.run("wait")
    process = Path("/proc", made.marked(run))
    until(lambda: made.state(run) == "RUNNING", "it is RUNNING")
    time.sleep(0.5)
    before = time.perf_counter()
    made.call("POST", f"/flow_runs/{run}/set_state", {"state": {"type": "CANCELLING"}})
    until(lambda: not process.exists(), "it is gone", pause=0.004)
    took = time.perf_counter() - before
    until(lambda: made.state(run) == "CANCELLED", "it is CANCELLED")
    return took


def measure(options: Any) -> list[Row]:
    """The rows of this benchmark."""
    count = options.count or 9
    with place(options.api_url) as made, made.worker():
        found = [seconds_to_gone(made) for _ in range(count)]
    return [
        Row(f"cancel to process gone, median of {count}", statistics.median(found), "s", 0.5),
        Row("cancel to process gone, slowest", max(found), "s"),
    ]


if __name__ == "__main__":
    run_alone(__doc__, measure)
