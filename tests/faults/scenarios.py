"""The requests that are made to fail: at least one for each handler that writes."""

from __future__ import annotations

from tests.faults import of_deployments, of_pools, of_runs, of_workers

SCENARIOS = [*of_pools.SCENARIOS, *of_deployments.SCENARIOS, *of_runs.SCENARIOS, *of_workers.SCENARIOS]
