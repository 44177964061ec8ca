"""The path of a run, step by step: when each thing happened, in milliseconds after the request to create it.

An idle worker, warm starts, medians of `--count` runs. The moments: the answer to the POST; the states as the
control plane has them (created, claimed: PENDING); the first line of the flow's file, taken by that line;
the engine's word that the flow begins (RUNNING carries its time); the end as the keeper saw it.

`--picture FILE` draws them too, as docs/performance.md shows them.
"""

from __future__ import annotations

import statistics
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.picture import picture
from benchmarks.place import Place, place
from benchmarks.rows import Row, parser, show

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


def medians(options: Any) -> dict[str, float]:
    """Milliseconds of each moment, the earliest first."""
    with place(options.api_url) as made, made.worker():
        runs = [moments(made) for _ in range(WARM_UP + (options.count or 20))][WARM_UP:]
    found = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    return dict(sorted(found.items(), key=lambda pair: pair[1]))


def main() -> None:
    """Print the moments, and draw them if that is asked for."""
    made = parser(__doc__)
    made.add_argument("--picture", type=Path, metavar="FILE", help="draw them into this file (SVG)")
    options = made.parse_args()
    found = medians(options)
    show([Row(name, at, "ms") for name, at in found.items()], as_json=options.json)
    if options.picture:
        caption = f"One run, warm start, milliseconds; medians of {options.count or 20} runs"
        options.picture.write_text(picture(found, caption), encoding="utf-8")


if __name__ == "__main__":
    main()
