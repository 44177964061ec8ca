"""Import of the control plane's `app` in a new interpreter, against `import botocore.session, pydantic`.

From the unpacked package, which is what Lambda runs: in an interpreter that has only that folder, for `app` and
for the floor alike. Beside it the same with all that the first request or tick imports, since that is paid by
whoever waits for it, and the same from the checkout, whose libraries lie in a virtual environment. All in turn,
so that they see the same machine; user and system time of the process, median; with the compiled files present.
`--count` is how often. Nothing else of a Lambda's environment is simulated.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from benchmarks.package import ENVIRONMENT, ROOT, command, unpacked
from benchmarks.rows import Row, run_alone

APP = "import app"
FLOOR = "import botocore.session, pydantic"
FIRST = {
    "what the first tick needs": "import app, chalicelib.wiring",
    "what the first sync needs": "import app, chalicelib.wiring, chalicelib.api.workers",
    "what the first run needs to be created": "import app, chalicelib.wiring, chalicelib.api.deployments",
}


def in_checkout(code: str) -> None:
    """Run code with the checkout's modules."""
    env = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'workers'}"}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=env)


def cpu_of(start: Callable[[], object]) -> float:
    """Milliseconds of processor time of the process that this starts and awaits."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def medians(start: Callable[[str], object], count: int) -> dict[str, float]:
    """Of each piece of code, in turn."""
    times: dict[str, list[float]] = {code: [] for code in (FLOOR, APP, *FIRST.values())}
    for _ in range(count):
        for code, found in times.items():
            found.append(cpu_of(lambda code=code: start(code)))
    return {code: statistics.median(found) for code, found in times.items()}


def rows(where: str, middle: dict[str, float], budget: float | None) -> list[Row]:
    """As multiples of the floor, and the times."""
    floor = middle[FLOOR]
    return [
        Row(
            f"{where}: import app, as a multiple of botocore.session + pydantic",
            middle[APP] / floor,
            "",
            budget,
        ),
        *(Row(f"{where}: and {name}, as a multiple", middle[code] / floor) for name, code in FIRST.items()),
        Row(f"{where}: import app, processor time", middle[APP], "ms"),
        Row(f"{where}: floor: import botocore.session, pydantic", floor, "ms"),
    ]


def measure(options: Any) -> list[Row]:
    """The rows of this benchmark."""
    count = options.count or 7
    with unpacked() as folder:

        def in_package(code: str) -> None:
            subprocess.run(command(folder, code), check=True, cwd=folder, env=ENVIRONMENT)

        packed = medians(in_package, count)
    return [*rows("package", packed, 1.5), *rows("checkout", medians(in_checkout, count), 1.5)]


if __name__ == "__main__":
    run_alone(__doc__, measure)
