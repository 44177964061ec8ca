"""Memory of an idle worker, and how it grows over many runs.

Resident memory (VmRSS) of the worker's process and of its keeper's, 3 s after the worker was ready and before
any run; then their sum after each twentieth of a soak of 2,000 no-op runs (`--count`), and the slope of a
straight line through the second half of these (least squares), in KB per 100 runs: what a worker keeps of
its last runs, such as the rings of a thousand of them, has its size by then. The sum after each fifth shows whether
it levels off. At last both, 3 s after the last run: an idle worker that has worked. A slope over the budget ends the
program with status 1 when it is run by itself. Zygotes share most of their pages with nobody, so they are
shown beside; a worker that has started nothing has none.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from benchmarks.place import place
from benchmarks.rows import Row, run_alone

SLOPE_BUDGET = 100.0
PARTS = 20
SHOWN = 5
QUIET = 3
_STEP = PARTS // SHOWN


def resident(pid: int) -> float:
    """Megabytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def slope(points: list[tuple[int, float]]) -> float:
    """Of the straight line nearest to the points."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread


def measure(options: Any) -> list[Row]:
    """The rows of this benchmark."""
    count = options.count or 2_000
    with place(options.api_url) as made, made.worker(8) as worker:
        time.sleep(QUIET)
        pids = made.keeper_and_worker(worker)
        idle = [resident(pid) for pid in pids]
        points: list[tuple[int, float]] = []
        for part in range(1, PARTS + 1):
            made.over(*[made.run("noop") for _ in range(count // PARTS)])
            points.append((part * (count // PARTS), sum(resident(pid) for pid in pids)))
        time.sleep(QUIET)
        after = [resident(pid) for pid in pids]
        children = Path(f"/proc/{pids[1]}/task/{pids[1]}/children").read_text().split()
        zygotes = sum(resident(int(pid)) for pid in children)
    return [
        Row("resident memory of an idle worker (its process)", idle[0], "MB", 60),
        Row("resident memory of its keeper", sum(idle[1:]), "MB"),
        Row("resident memory of both", sum(idle), "MB"),
        Row(
            f"growth of both over the last half of {count} runs, slope per 100 runs",
            slope(points[PARTS // 2 :]) * 102400,
            "KB",
            SLOPE_BUDGET,
        ),
        *(
            Row(f"resident memory of both after {runs} runs", size, "MB")
            for runs, size in points[_STEP - 1 :: _STEP]
        ),
        Row(f"resident memory of the worker, idle after {count} runs", after[0], "MB"),
        Row(f"resident memory of its keeper, idle after {count} runs", sum(after[1:]), "MB"),
        Row("resident memory of its zygotes", zygotes, "MB"),
    ]


if __name__ == "__main__":
    raise SystemExit(any(row.verdict == "OVER" for row in run_alone(__doc__, measure)))
