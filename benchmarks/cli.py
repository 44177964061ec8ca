"""How long the command line takes to show its help, from start to end of the process; medians.

In turn with `python -c pass`, so that both see the same machine.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.rows import Row, run_alone

HEADRACE = str(Path(sys.executable).with_name("headrace"))
COMMANDS = {
    "headrace --help": [HEADRACE, "--help"],
    "headrace worker start --help": [HEADRACE, "worker", "start", "--help"],
    "floor: python -c pass": [sys.executable, "-c", "pass"],
}


def measure(options: Any) -> list[Row]:
    """The rows of this benchmark."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(options.count or 11):
        for name, command in COMMANDS.items():
            before = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            times[name].append((time.perf_counter() - before) * 1000)
    return [
        Row(name, statistics.median(found), "ms", None if name.startswith("floor") else 150)
        for name, found in times.items()
    ]


if __name__ == "__main__":
    run_alone(__doc__, measure)
