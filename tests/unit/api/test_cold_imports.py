"""What a Lambda process imports at its start, and what waits until something needs it.

Each module named here costs tens of milliseconds at every cold start: who lets one in takes it from the list,
and knows it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
ONE_OF_US = {"chalicelib.api.endpoint", "chalicelib.wiring", "headrace.contract.base"}
SCHEDULES = {"cronsim", "dateutil.rrule"}
HEAVY = {"boto3", "jsonschema", "pydantic", *SCHEDULES}


def loaded(code: str) -> set[str]:
    """The modules of a new interpreter after this code."""
    code += "\nimport sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT / "workers")},
    )
    return set(json.loads(done.stdout))


def test_the_start_imports_the_table_and_nothing_else_that_is_heavy() -> None:
    found = loaded("import app")
    assert "pynamodb.models" in found
    assert found & (HEAVY | ONE_OF_US) == set()


def test_the_tick_has_no_models_and_no_schedules_before_it_finds_some() -> None:
    found = loaded("import app; from chalicelib import wiring, services; import chalicelib.services.tick")
    assert "chalicelib.services.rescue" in found
    assert found & (HEAVY | {"headrace.contract.base", "chalicelib.api.endpoint"}) == set()


def test_a_sync_has_the_models_of_no_other_route() -> None:
    found = loaded("import app; import chalicelib.wiring, chalicelib.api.workers")
    models = {
        name.removeprefix("headrace.contract.") for name in found if name.startswith("headrace.contract.")
    }
    plain = {"addresses", "key_text", "secrets", "sizes", "slugs"}  # no models: the standard library alone
    assert models - plain == {
        "base",
        "errors",
        "media",
        "roles",
        "run_states",
        "states",
        "sync",
        "workers",
    }
    assert found & (HEAVY - {"pydantic"}) == set()
