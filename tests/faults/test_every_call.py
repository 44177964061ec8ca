"""Every handler that writes, with every fault at every AWS call it makes: nothing lost, nothing twice."""

from __future__ import annotations

import pytest

from chalicelib.api.routes import declared
from tests.faults.conductor import Scenario, try_all
from tests.faults.scenarios import SCENARIOS
from tests.support.plane import Rig

READING = {
    "POST /work_pools/{pool}/get_scheduled_flow_runs",
    "POST /work_pools/{pool}/concurrency_status",
    "POST /work_queues/{queue_id}/get_runs",
    "POST /schedules/preview",
    "POST /deployments/check",
    "POST /work_queues/{queue_id}/concurrency_status",
}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_a_fault_at_any_call_loses_nothing_and_repeats_nothing(plane: Rig, scenario: Scenario) -> None:
    tally = try_all(plane, scenario)
    assert tally.faults >= tally.calls > 0
    print(f"{scenario}: {tally.calls} calls, {tally.faults} faults, {len(tally.states)} states")


def test_every_handler_that_writes_has_a_scenario() -> None:
    routes = {f"{route.method} {route.path}" for route in declared() if route.method != "GET"}
    writing = {route for route in routes if not route.endswith("/filter")} - READING
    assert writing | {"tick"} == {scenario.route for scenario in SCENARIOS}
