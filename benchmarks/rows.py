"""A benchmark's result beside its budget, as a table or as JSON, and the options that all share."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class Row(NamedTuple):
    """One figure. Without a budget it is there to be read; `least` budgets are to be reached, others kept."""

    name: str
    value: float
    unit: str = ""
    budget: float | None = None
    least: bool = False

    @property
    def verdict(self) -> str:
        """Whether the budget is met."""
        if self.budget is None:
            return ""
        met = self.value >= self.budget if self.least else self.value <= self.budget
        return "ok" if met else "OVER" if not self.least else "UNDER"


def show(rows: Sequence[Row], *, as_json: bool) -> None:
    """Print rows."""
    if as_json:
        print(json.dumps([row._asdict() | {"verdict": row.verdict} for row in rows]))
        return
    for row in rows:
        budget = "" if row.budget is None else f"{'>=' if row.least else '<='} {row.budget:g}"
        print(f"{row.name:<76} {row.value:>10.4g} {row.unit:<8} {budget:>10}  {row.verdict}", flush=True)


def parser(doc: str | None) -> argparse.ArgumentParser:
    """The options of every benchmark."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--json", action="store_true", help="print JSON")
    made.add_argument("--api-url", help="a running control plane's, such as http://127.0.0.1:4200/api")
    made.add_argument("--count", type=int, help="how many runs or repeats, if not the usual number")
    return made


def run_alone(doc: str | None, measure: Callable[[Any], list[Row]]) -> list[Row]:
    """The `main` of a benchmark; gives what it printed."""
    options = parser(doc).parse_args()
    rows = measure(options)
    show(rows, as_json=options.json)
    return rows
