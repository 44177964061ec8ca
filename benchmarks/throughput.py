"""No-op runs per second of one worker, as a part of what a bare loop of processes does on the same machine.

In rounds: the bare loop, runs, the bare loop, runs..., so that a machine whose load changes changes both; each
round's share is taken of the mean of the two loops around it, and the median of the rounds counts. The bare loop is
`subprocess.run([python, noop.py])` in as many threads as the worker has slots (8).

For a round's runs all are created first, then the worker is started. The clock runs, by the times that the control
plane recorded, from the end of run number 40 to the end of the last one: by then the worker is warm (its zygote
has been made, its connections are open). The figure from the very first start of a run is printed beside it.

Processor time is read from /proc/PID/stat over the same warm part: of the server, the worker, its keeper and all that
the keeper started (the runs, and the zygote they are forked from), per run that ended in it. Nobody asks the server
meanwhile but for two runs' states, twice a second.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.place import Place, place
from benchmarks.rows import Row, run_alone

LIMIT = 8
WARM = 40
"""Runs after which the clock is taken."""
ROUNDS = 5
PAUSE = 0.5
"""Seconds between two looks at a run: each costs the server that is measured."""
TICKS = os.sysconf("SC_CLK_TCK")
WHO = ("server", "worker", "keeper", "children")


class Pace(NamedTuple):
    """Runs per second once warm and from the first start, and processor milliseconds per run by process."""

    warm: float
    cold: float
    cpu: dict[str, float]


def bare(folder: Path, count: int) -> float:
    """Bare processes per second."""
    script = folder / "noop.py"
    script.write_text("def noop():\n    pass\n\n\nnoop()\n")
    before = time.perf_counter()
    with ThreadPoolExecutor(LIMIT) as pool:
        list(pool.map(lambda _: subprocess.run([sys.executable, script], check=True), range(count)))
    return count / (time.perf_counter() - before)


def runs(made: Place, count: int, method: str) -> Pace:
    """One round of ours."""
    path = f"/deployments/{made.deployment('noop')}/create_flow_runs"
    wanted = {"flow_runs": [{} for _ in range(WARM + count)], "idempotency_key": uuid.uuid4().hex}
    ids = [str(run["id"]) for run in made.call("POST", path, wanted)["flow_runs"]]
    with made.worker(LIMIT, "--start-method", method) as worker:
        made.over(ids[WARM - 1], pause=PAUSE / 5)
        since, before = time.time(), cpu(made, worker)
        made.over(ids[-1], pause=PAUSE)
        until, after = time.time(), cpu(made, worker)
        made.over(*ids, pause=PAUSE)
    found = [made.call("GET", f"/flow_runs/{run}") for run in ids]
    begun = min(datetime.fromisoformat(run["start_time"]).timestamp() for run in found)
    ended = sorted(datetime.fromisoformat(run["end_time"]).timestamp() for run in found)
    between = sum(since <= end <= until for end in ended)
    return Pace(
        warm=count / (ended[-1] - ended[WARM - 1]),
        cold=len(ended) / (ended[-1] - begun),
        cpu={who: (after[who] - before[who]) * 1000 / between for who in after},
    )


def cpu(made: Place, worker: subprocess.Popen[bytes]) -> dict[str, float]:
    """Processor seconds so far; without the server's where it is not ours."""
    own, keeper, *_ = made.keeper_and_worker(worker)
    seconds = {"worker": used(own)[0], "keeper": used(keeper)[0], "children": used(keeper)[1]}
    for child in Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split():
        with suppress(OSError):  # it ended meanwhile: the keeper has its time
            seconds["children"] += used(int(child))[0]
    return seconds if made.server is None else {"server": used(made.server.pid)[0], **seconds}


def used(pid: int) -> tuple[float, float]:
    """Processor seconds of a process, and of its children that it has waited for (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own, waited = (sum(map(int, fields[at : at + 2])) / TICKS for at in (11, 13))
    return own, waited


def measure(options: Any) -> list[Row]:
    """The rows of this benchmark."""
    count = options.count or 200
    rows = []
    with place(options.api_url) as made:
        for method, rounds, budget in (("auto", ROUNDS, 0.5), ("spawn", 1, None)):
            floors = [bare(made.home, count)]
            paces: list[Pace] = []
            for _ in range(rounds):
                paces.append(runs(made, count, method))
                floors.append(bare(made.home, count))
            rows += shown(method, paces, floors, budget)
    return rows


def shown(method: str, paces: list[Pace], floors: list[float], budget: float | None) -> list[Row]:
    """The rows of one start method."""
    around = [(before + after) / 2 for before, after in pairwise(floors)]
    shares = [pace.warm / floor for pace, floor in zip(paces, around, strict=True)]
    first = [pace.cold / floor for pace, floor in zip(paces, around, strict=True)]
    name = f"no-op runs, one worker, {method}"
    median = statistics.median
    rows = [
        Row(f"{name}, as a part of the bare loop, once warm", median(shares), "", budget, True),
        Row("the least and the most of the rounds", min(shares), f"- {max(shares):.3g}"),
        Row("the same from the first run's start", median(first)),
        Row(f"{name}, once warm", median([pace.warm for pace in paces]), "/s"),
        Row(f"floor: bare processes, {LIMIT} at once", median(floors), "/s"),
    ]
    spent = {who: [pace.cpu[who] for pace in paces] for who in WHO if who in paces[0].cpu}
    return rows + [Row(f"processor time of a run: {who}", median(each), "ms") for who, each in spent.items()]


if __name__ == "__main__":
    run_alone(__doc__, measure)
