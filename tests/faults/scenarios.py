"""The requests that are made to fail: at least one for each handler that writes."""

from __future__ import annotations

from tests.faults import (
    of_access,
    of_bulk,
    of_children,
    of_deployments,
    of_pools,
    of_runs,
    of_variables,
    of_workers,
)

SCENARIOS = [
    *of_access.SCENARIOS,
    *of_pools.SCENARIOS,
    *of_deployments.SCENARIOS,
    *of_runs.SCENARIOS,
    *of_bulk.SCENARIOS,
    *of_children.SCENARIOS,
    *of_variables.SCENARIOS,
    *of_workers.SCENARIOS,
]
