"""From the request that creates a run to the first line of its code, with an idle worker.

Each run is created by one POST and its file's first line takes the time of day, which is compared with the
time just before the POST; same machine, same clock. The next run is created when the one before is over and
half a second has passed, so that the worker waits in its long poll. The first runs, by which the zygote comes
to be, are not counted. Also with `--start-method spawn`, and the machine's floors: `python -c pass`, and `os.fork`
of a bare Python whose child leaves at once, until it is collected.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from typing import Any

from benchmarks.place import Place, place
from benchmarks.rows import Row, run_alone

WARM_UP = 5


def latencies(made: Place, count: int) -> list[float]:
    """Milliseconds, one for each run."""
    found = []
    for number in range(WARM_UP + count):
        before = time.time()
        run = made.run("mark")
        at = float(made.marked(run))
        made.over(run)
        time.sleep(0.5)
        if number >= WARM_UP:
            found.append((at - before) * 1000)
    return found


def floor() -> float:
    """The median of `python -c pass` in milliseconds."""
    times = []
    for _ in range(15):
        before = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        times.append((time.perf_counter() - before) * 1000)
    return statistics.median(times)


FORKS = """
import os, statistics, time
times = []
for _ in range(50):
    before = time.perf_counter()
    if (pid := os.fork()) == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    times.append((time.perf_counter() - before) * 1000)
print(statistics.median(times))
"""


def fork_floor() -> float:
    """The median of a fork in milliseconds."""
    done = subprocess.run([sys.executable, "-c", FORKS], check=True, capture_output=True, text=True)
    return float(done.stdout)


def measure(options: Any) -> list[Row]:
    """The rows of this benchmark."""
    count = options.count or 20
    rows = []
    with place(options.api_url) as made:
        for method, budget in (("auto", 100.0), ("spawn", None)):
            with made.worker(10, "--start-method", method):
                found = latencies(made, count)
            name = f"trigger to first line of user code, {method}, median of {count}"
            rows.append(Row(name, statistics.median(found), "ms", budget))
            rows.append(Row(f"trigger to first line of user code, {method}, slowest", max(found), "ms"))
    return [*rows, Row("floor: python -c pass", floor(), "ms"), Row("floor: os.fork", fork_floor(), "ms")]


if __name__ == "__main__":
    run_alone(__doc__, measure)
