"""Skipping what is late: after an outage of workers, the runs that nobody wants any more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from chalicelib.domain import runs
from chalicelib.domain.runs import Run
from chalicelib.domain.schedules import LATE_AFTER
from chalicelib.domain.transitions import Cause
from chalicelib.services.deployments import Deployments
from chalicelib.services.pools import Pools
from chalicelib.services.ports import Ports
from chalicelib.services.runs import Runs
from chalicelib.services.waiting import WITHIN, Waiting
from chalicelib.storage.run_lanes import ready_lane
from headrace.contract.states import StateName, StateType

REASON = "Skipped by hand: it was late."


class Lateness:
    """Ends late runs of a pool or deployment as Skipped."""

    def __init__(
        self, ports: Ports, pools: Pools, deployments: Deployments, waiting: Waiting, use_cases: Runs
    ) -> None:
        self._ports = ports
        self._pools = pools
        self._deployments = deployments
        self._waiting = waiting
        self._runs = use_cases

    def skip_in_pool(self, pool: str) -> tuple[int, bool]:
        """Skip the late runs of a pool: how many, and whether more may be left for the next call."""
        view = self._pools.view(pool)
        lanes = [ready_lane(pool, queue) for queue in view.queues]
        return self._skip(self._waiting.in_lanes(lanes, pool=pool))

    def skip_of_deployment(self, deployment_id: UUID) -> tuple[int, bool]:
        """Skip the late runs of a deployment: how many, and whether more may be left for the next call."""
        deployment = self._deployments.read(deployment_id)
        return self._skip(self._deployments.waiting_runs(deployment))

    def _skip(self, waiting: Iterable[Run]) -> tuple[int, bool]:
        count, begun = 0, self._ports.clock()
        for run in waiting:
            count += self._is_late(run) and self._skip_one(run)
            if count and self._ports.clock() - begun > WITHIN:
                return count, True
        return count, False

    def _skip_one(self, run: Run) -> bool:
        now = self._ports.clock()

        def how(found: Run) -> Run | None:
            if not self._is_late(found):
                return None
            over = runs.ended(
                found, StateType.CANCELLED, Cause.RULE, now, name=StateName.SKIPPED, message=REASON
            )
            return replace(over, expires_at=self._runs.retention())

        before, after = self._ports.runs.change(run.id, how)
        return before is not after

    def _is_late(self, run: Run) -> bool:
        late = self._ports.clock() - run.due > LATE_AFTER
        return late and run.state.type is StateType.SCHEDULED
