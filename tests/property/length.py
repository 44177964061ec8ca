"""How long the rule-based machines search.

In the suite for a minute or two, always the same lives; with `HEADRACE_EXAMPLES=10` ten times as many, each time
others (the other property tests take other examples then, too).
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

AT_LENGTH = "HEADRACE_EXAMPLES" in os.environ
"""Whether this is a search for what the suite's own examples do not show."""


def search(examples: int, steps: int) -> settings:
    """Settings for so many lives, times `HEADRACE_EXAMPLES`, of so many steps each."""
    return settings(
        max_examples=max(1, int(examples * float(os.environ.get("HEADRACE_EXAMPLES", "1")))),
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
        database=None,
    )
