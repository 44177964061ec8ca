"""The path of a run, step by step: when each thing happened, in milliseconds after the request to create it.

An idle worker, warm starts, medians of `--count` runs. The moments: the answer to the POST; the states as the
control plane has them (created, claimed: PENDING); the first line of the flow's file, taken by that line;
the engine's word that the flow begins (RUNNING carries its time); the end as the keeper saw it.
"""

from __future__ import annotations

import statistics
import time
from datetime import datetime
from typing import Any

from benchmarks.place import Place, place
from benchmarks.rows import Row, run_alone

WARM_UP = 5


def moments(made: Place) -> dict[str, float]:
    """Of one run."""
    before = time.time()
    run = made.run("mark")
    found = {"the POST is answered": time.time()}
    found["first line of the flow's file"] = float(made.marked(run))
    made.over(run)
    told = made.call("GET", f"/flow_runs/{run}")
    names = {
        "SCHEDULED": "created",
        "PENDING": "claimed by the worker",
        "RUNNING": "the flow function begins",
    }
    times = {
        name: state["timestamp"] for state in told["state_history"] if (name := names.get(state["type"]))
    }
    times["its process is gone"] = told["end_time"]
    found |= {name: datetime.fromisoformat(at).timestamp() for name, at in times.items()}
    time.sleep(0.5)
    return {name: (at - before) * 1000 for name, at in found.items()}


def measure(options: Any) -> list[Row]:
    """The rows of this benchmark."""
    with place(options.api_url) as made, made.worker():
        runs = [moments(made) for _ in range(WARM_UP + (options.count or 20))][WARM_UP:]
    medians = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    return [Row(name, at, "ms") for name, at in sorted(medians.items(), key=lambda pair: pair[1])]


if __name__ == "__main__":
    run_alone(__doc__, measure)
