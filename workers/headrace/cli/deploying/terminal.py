"""Whether there is anybody to ask."""

from __future__ import annotations

import sys


def is_interactive() -> bool:
    """Questions are asked only where both ends are a terminal: never in CI, never in a pipe."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()
