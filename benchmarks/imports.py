"""What the child of a cold start imports before a flow's file, and which of that takes longest.

`python -X importtime -P -c "import headrace.engine.__main__"`, `--count` times; of each module the least time of
its own, without what it imports in turn: whatever else the machine did can only add to it. What Python imports
by itself at its start is told as one figure. The list of the modules is held by `tests/unit/engine/test_imports.py`,
since a list does not depend on the machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.rows import Row, run_alone

ENGINE = "headrace.engine.__main__"
WORKERS = Path(__file__).resolve().parent.parent / "workers"
LARGEST = 10


def own_times(code: str) -> dict[str, float]:
    """Milliseconds of each module that a process with this code imports."""
    env = {**os.environ, "PYTHONPATH": str(WORKERS)}
    command = [sys.executable, "-X", "importtime", "-P", "-c", code]
    told = subprocess.run(command, env=env, check=True, capture_output=True, text=True).stderr
    lines = [line.removeprefix("import time:").split("|") for line in told.splitlines()]
    return {name.strip(): int(own) / 1000 for own, _, name in lines if own.strip().isdigit()}


def measure(options: Any) -> list[Row]:
    """The rows of this benchmark."""
    by_itself = own_times("pass")
    found: dict[str, list[float]] = {}
    for _ in range(options.count or 9):
        for name, took in own_times(f"import {ENGINE}").items():
            found.setdefault(name, []).append(took)
    least = {name: min(times) for name, times in found.items()}
    engine = {name: took for name, took in least.items() if name not in by_itself}
    largest = sorted(engine.items(), key=lambda pair: -pair[1])[:LARGEST]
    return [
        Row(f"cold start: imports of the engine, {len(engine)} modules", sum(engine.values()), "ms"),
        Row("cold start: imports of Python itself", sum(least.values()) - sum(engine.values()), "ms"),
        *(Row(f"cold start: import of {name} alone", took, "ms") for name, took in largest),
    ]


if __name__ == "__main__":
    run_alone(__doc__, measure)
