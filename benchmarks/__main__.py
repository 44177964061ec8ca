"""`make bench`: every budget with what was measured, side by side.

`python -m benchmarks [--only cli cancel] [--json] [--api-url URL]`. Nothing is saved. The counted rows of
`benchmarks.units` come along when the control plane is the embedded one.
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
)


def units() -> list[Row]:
    """The counted rows."""
    found = importlib.import_module("benchmarks.units").rows()
    return [Row(row["row"], row["value"], "", row["budget"]) for row in found]


def main() -> None:
    """Measure all, or some."""
    made = parser(__doc__)
    made.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help="some of them")
    options = made.parse_args()
    rows: list[Row] = []
    for name in options.only:
        if name == "units":
            found = [] if options.api_url else units()
        else:
            found = importlib.import_module(f"benchmarks.{name}").measure(options)
        rows += found
        if not options.json:
            show(found, as_json=False)
    if options.json:
        show(rows, as_json=True)


if __name__ == "__main__":
    main()
