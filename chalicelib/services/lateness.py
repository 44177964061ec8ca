"""Skipping what is late: after an outage of workers, the runs that nobody wants any more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import UUID

from chalicelib.domain import runs
from chalicelib.domain.errors import NotFound
from chalicelib.domain.runs import Run
from chalicelib.domain.schedules import LATE_AFTER
from chalicelib.domain.transitions import Cause
from chalicelib.services.deployments import Deployments
from chalicelib.services.lines import Lines
from chalicelib.services.pools import Pools
from chalicelib.services.ports import Ports
from chalicelib.services.runs import Runs
from chalicelib.services.waiting import Waiting
from headrace.contract.states import StateName, StateType

REASON = "Skipped by hand: it was late."


class Lateness:
    """Ends late runs of a pool or deployment as Skipped."""

    def __init__(
        self,
        ports: Ports,
        lines: Lines,
        pools: Pools,
        deployments: Deployments,
        waiting: Waiting,
        run_service: Runs,
    ) -> None:
        self._ports = ports
        self._lines = lines
        self._pools = pools
        self._deployments = deployments
        self._waiting = waiting
        self._runs = run_service

    def skip_in_pool(self, pool: str) -> tuple[int, bool]:
        """Skip the late runs of a pool: how many, and whether more may be left for the next call."""
        return self._skip(self._waiting.in_pool(self._pools.view(pool), self._ports.clock() - LATE_AFTER))

    def skip_of_deployment(self, deployment_id: UUID) -> tuple[int, bool]:
        """Skip the late runs of a deployment: how many, and whether more may be left for the next call."""
        deployment = self._deployments.read(deployment_id)
        return self._skip(self._waiting.of_deployment(deployment, self._ports.clock() - LATE_AFTER))

    def _skip(self, waiting: Iterable[Run]) -> tuple[int, bool]:
        until = self._waiting.deadline()
        skipped: list[Run] = []
        more = False
        for run in waiting:
            skipped += self._skip_one(run) if self._is_late(run) else ()
            if more := self._ports.clock() > until:
                break
        self._lines.leave(*skipped)
        return len(skipped), more

    def _skip_one(self, run: Run) -> Sequence[Run]:
        """The run as it was before, if it was skipped."""
        now = self._ports.clock()

        def how(found: Run) -> Run | None:
            if not self._is_late(found):
                return None
            over = runs.ended(
                found, StateType.CANCELLED, Cause.RULE, now, name=StateName.SKIPPED, message=REASON
            )
            return replace(over, expires_at=self._runs.retention())

        try:
            before, after = self._ports.runs.change(run.id, how)
        except NotFound:
            return ()  # somebody deleted it meanwhile
        return () if before is after else (before,)

    def _is_late(self, run: Run) -> bool:
        late = self._ports.clock() - run.due > LATE_AFTER
        return late and run.state.type is StateType.SCHEDULED
