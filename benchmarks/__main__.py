"""`make bench`: every budget with what was measured, side by side.

`python -m benchmarks [--only cli cancel] [--json] [--api-url URL]`. Nothing is saved. What is counted rather than
timed (`units`, `embedded_scale`) comes along when the control plane is the embedded one.
"""

from __future__ import annotations

import importlib

from benchmarks.rows import Row, parser, show

NAMES = (
    "cli",
    "cold_start",
    "trigger_latency",
    "throughput",
    "schedule_precision",
    "cancel",
    "log_flood",
    "memory",
    "embedded_scale",
    "units",
    "package",
    "idle_cost",
    "imports",
)


def main() -> None:
    """Measure all, or some."""
    made = parser(__doc__)
    made.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help="some of them")
    options = made.parse_args()
    rows: list[Row] = []
    for name in options.only:
        found = importlib.import_module(f"benchmarks.{name}").measure(options)
        rows += found
        if not options.json:
            show(found, as_json=False)
    if options.json:
        show(rows, as_json=True)


if __name__ == "__main__":
    main()
