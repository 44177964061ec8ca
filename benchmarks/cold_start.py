"""Import of the control plane's `app` in a new interpreter, against `import botocore.session, pydantic`.

Beside it the same with all that the first request or tick imports, since that is paid by whoever waits for it.
All in turn, so that they see the same machine; user and system time of the process, median; with the
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

FLOOR = "import botocore.session, pydantic"
FIRST = {
    "what the first tick needs": "import app, chalicelib.wiring",
    "what the first sync needs": "import app, chalicelib.wiring, chalicelib.api.workers",
    "what the first run needs to be created": "import app, chalicelib.wiring, chalicelib.api.deployments",
}


def cpu_of(code: str) -> float:
    """Milliseconds of processor time of a Python process with this code."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    env = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'workers'}"}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=env)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def measure(options: Any) -> list[Row]:
    """The rows of this benchmark."""
    times: dict[str, list[float]] = {code: [] for code in (FLOOR, "import app", *FIRST.values())}
    for _ in range(options.count or 7):
        for code, found in times.items():
            found.append(cpu_of(code))
    middle = {code: statistics.median(found) for code, found in times.items()}
    floor = middle[FLOOR]
    return [
        Row(
            "import app, as a multiple of botocore.session + pydantic", middle["import app"] / floor, "", 1.5
        ),
        *(Row(f"the same and {name}, as a multiple", middle[code] / floor) for name, code in FIRST.items()),
        Row("import app, processor time", middle["import app"], "ms"),
        Row("floor: import botocore.session, pydantic", floor, "ms"),
    ]


if __name__ == "__main__":
    run_alone(__doc__, measure)
