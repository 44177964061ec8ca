"""Whatever happens in whatever order: nothing lost, nothing twice. See `machine` and `checks`."""

from __future__ import annotations

import pytest
from hypothesis.stateful import run_state_machine_as_test

from chalicelib.services import lines
from tests.property.length import search
from tests.property.runs.machine import RunLife
from tests.support.plane import Rig

EXAMPLES = 60
STEPS = 30


@pytest.mark.timeout(3600)
def test_runs_live_by_the_rules(plane: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "BATCH", 1)
    RunLife.rig = plane
    run_state_machine_as_test(RunLife, settings=search(EXAMPLES, STEPS))
