"""All use cases, put together by the composition root; what the API is given."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.services.access import Access
from chalicelib.services.bulk import Bulk
from chalicelib.services.bundles import Bundles
from chalicelib.services.children import Children
from chalicelib.services.credentials import Credentials
from chalicelib.services.deployments import Deployments
from chalicelib.services.lateness import Lateness
from chalicelib.services.limits import Limits
from chalicelib.services.logs import Logs
from chalicelib.services.occurrences import Occurrences
from chalicelib.services.pools import Pools
from chalicelib.services.ports import Ports
from chalicelib.services.proposals import Proposals
from chalicelib.services.readiness import Readiness
from chalicelib.services.run_edits import RunEdits
from chalicelib.services.run_lists import RunLists
from chalicelib.services.runs import Runs
from chalicelib.services.schedules import Schedules
from chalicelib.services.sync import Sync
from chalicelib.services.tick import Tick
from chalicelib.services.variables import Variables
from chalicelib.services.versions import Versions
from chalicelib.services.why import Why
from chalicelib.services.workers import Workers


@dataclass(frozen=True)
class ControlPlane:
    """Every use case, ready to be called."""

    ports: Ports
    access: Access
    pools: Pools
    workers: Workers
    readiness: Readiness
    credentials: Credentials
    deployments: Deployments
    schedules: Schedules
    versions: Versions
    occurrences: Occurrences
    runs: Runs
    run_edits: RunEdits
    bulk: Bulk
    children: Children
    variables: Variables
    proposals: Proposals
    run_lists: RunLists
    logs: Logs
    limits: Limits
    lateness: Lateness
    bundles: Bundles
    sync: Sync
    why: Why
    timed: Tick

    def after_start(self) -> None:
        """Before the embedded control plane serves its first request."""
        self.timed.after_start()

    def tick(self) -> None:
        """Do what time must do."""
        self.timed.tick()
