"""How long the rule-based machines search: by default for a minute or two, at length by `HEADRACE_EXAMPLES=10`."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings


def search(examples: int, steps: int) -> settings:
    """Settings for so many lives, times `HEADRACE_EXAMPLES`, of so many steps each."""
    times = float(os.environ.get("HEADRACE_EXAMPLES", "1"))
    return settings(
        max_examples=max(1, int(examples * times)),
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
        database=None,
    )
