"""What a month costs in which nothing runs, with one worker on one queue: the counted units at list prices.

Not timed: the units are those of `headrace.cost.units`, which `tests/integration/cost` counts at the real
handlers, the prices those of `headrace.cost.prices`. Beside it the lines of the bill, the same with what AWS
gives every month, and what months with runs cost (short ones made by requests; standing costs included).
"""

from __future__ import annotations

from typing import Any

from benchmarks.rows import Row, run_alone
from headrace.cost.bill import lines, total
from headrace.cost.units import MONTH, RUN, run, standing

RUNS = (1_000, 100_000, 1_000_000)
WORKERS = (1, 10)


def measure(options: Any) -> list[Row]:
    """The rows of this benchmark."""
    idle = standing(MONTH)
    rows = [
        Row("idle month, one worker on one queue", total(idle), "USD", 0.30),
        Row("the same with what AWS gives every month", total(idle, free_tier=True), "USD"),
    ]
    rows += [Row(f"idle month: {line.name}", line.usd, "USD") for line in lines(idle)]
    kept = run(0, 0, scheduled=False)
    for workers in WORKERS:
        for count in RUNS:
            month = standing(MONTH, workers) + kept * count
            rows.append(Row(f"month of {count:,} short runs, idle workers: {workers}", total(month), "USD"))
    for what in ("api_requests", "sqs_requests", "write_units", "read_units"):
        rows.append(Row(f"one short run: {what.replace('_', ' ')} by the model", getattr(RUN, what)))
    return rows


if __name__ == "__main__":
    run_alone(__doc__, measure)
