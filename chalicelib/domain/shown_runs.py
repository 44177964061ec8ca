"""How runs are shown: where each stands in lists."""

from __future__ import annotations

from chalicelib.domain.names import stamp
from chalicelib.domain.runs import Run


def place(run: Run) -> str:
    """A run's place in lists."""
    return f"{stamp(run.listed_at)}#{run.id}"
