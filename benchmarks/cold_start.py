"""Import of the control plane's `app` in a new interpreter, against `import botocore.session, pydantic`.

Both in turn, so that they see the same machine; user and system time of the process, median; with the
compiled files present. `--count` is how often. The environment of a Lambda is not simulated.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.rows import Row, run_alone

ROOT = Path(__file__).resolve().parent.parent


def cpu_of(code: str) -> float:
    """Milliseconds of processor time of a Python process with this code."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    env = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'workers'}"}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=env)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def measure(options: Any) -> list[Row]:
    """The rows of this benchmark."""
    app: list[float] = []
    base: list[float] = []
    for _ in range(options.count or 7):
        app.append(cpu_of("import app"))
        base.append(cpu_of("import botocore.session, pydantic"))
    ours, floor = statistics.median(app), statistics.median(base)
    return [
        Row("import app, as a multiple of botocore.session + pydantic", ours / floor, "", 1.5),
        Row("import app, processor time", ours, "ms"),
        Row("floor: import botocore.session, pydantic", floor, "ms"),
    ]


if __name__ == "__main__":
    run_alone(__doc__, measure)
