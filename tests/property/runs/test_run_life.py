"""Whatever happens in whatever order: nothing lost, nothing twice. See `machine` and `checks`."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.property.runs.machine import RunLife
from tests.support.plane import Rig

EXAMPLES = 80
STEPS = 30


@pytest.mark.timeout(3600)
def test_runs_live_by_the_rules(plane: Rig) -> None:
    times = float(os.environ.get("HEADRACE_EXAMPLES", "1"))
    RunLife.rig = plane
    profile = settings(
        max_examples=max(1, int(EXAMPLES * times)),
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
        database=None,
    )
    run_state_machine_as_test(RunLife, settings=profile)
