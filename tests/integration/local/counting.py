"""Costs counted in calls, and races provoked."""

from __future__ import annotations

import sys
from collections import Counter


def calls(action, *names):
    """How often Python functions of these names (all, if none is given) are called meanwhile."""
    seen = Counter()

    def count(frame, event, _):
        if event == "call" and (not names or frame.f_code.co_name in names):
            seen[frame.f_code.co_name] += 1

    sys.setprofile(count)
    try:
        action()
    finally:
        sys.setprofile(None)
    return sum(seen.values())


def rounds(attempt, wanted=lambda result: not result, count=30, until_shown=False):
    """Races show up sooner or later: the first round that shows one, or the last of all."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for number in range(count):
            result = attempt(number)
            if wanted(result) and until_shown:
                return result
        return result
    finally:
        sys.setswitchinterval(interval)
