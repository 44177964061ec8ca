"""Memory of an idle worker, and how it grows over many runs.

Resident memory (VmRSS) of the worker's process and of its keeper's, 3 s after the worker was ready and before
any run; then their sum after each tenth of a soak of no-op runs, from the second tenth on, and the slope of a
straight line through these (least squares), in KB per 100 runs. Zygotes share most of their pages with
nobody, so they are shown beside; a worker that has started nothing has none.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from benchmarks.place import place
from benchmarks.rows import Row, run_alone

SLOPE_BUDGET = 100.0


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
    count = options.count or 500
    with place(options.api_url) as made, made.worker(8) as worker:
        time.sleep(3)
        pids = made.keeper_and_worker(worker)
        idle = [resident(pid) for pid in pids]
        points: list[tuple[int, float]] = []
        for tenth in range(1, 11):
            made.over(*[made.run("noop") for _ in range(count // 10)])
            points.append((tenth * (count // 10), sum(resident(pid) for pid in pids)))
        children = Path(f"/proc/{pids[1]}/task/{pids[1]}/children").read_text().split()
        zygotes = sum(resident(int(pid)) for pid in children)
    return [
        Row("resident memory of an idle worker (its process)", idle[0], "MB", 60),
        Row("resident memory of its keeper", sum(idle[1:]), "MB"),
        Row(
            f"growth of both over {count} runs, slope per 100 runs",
            slope(points[1:]) * 102400,
            "KB",
            SLOPE_BUDGET,
        ),
        Row(f"resident memory of both after {count} runs", points[-1][1], "MB"),
        Row("resident memory of its zygotes", zygotes, "MB"),
    ]


if __name__ == "__main__":
    run_alone(__doc__, measure)
