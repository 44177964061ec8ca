"""Lines of blocked runs: each limit's and each paused deployment's runs wait apart from those that can start.

As many as may start are promoted to their queue's ready lane and rung; a promotion too many is
harmless, since the claim judges again and puts a blocked run back into its line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import UUID

from chalicelib.domain.eligibility import deployment_limit
from chalicelib.domain.runs import Run
from chalicelib.services.ports import Ports
from chalicelib.storage.runs import line_lane
from headrace.contract.states import StateType

BATCH = 50
"""Runs promoted at once where no limit says fewer; the tick goes on with the rest."""


class Lines:
    """Moves runs into and out of lines."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def wait(self, run: Run, line: str) -> bool:
        """Put a waiting run into a line. False if it changed meanwhile."""
        if run.line == line:
            return True
        return self._ports.runs.write(run, replace(run, line=line, updated=self._ports.clock()))

    def promote(self, limits: Iterable[str]) -> list[Run]:
        """Let as many runs of these lines as may start now stand in their queues, and ring for them."""
        promoted = []
        for limit in dict.fromkeys(limits):
            room = self._room(limit)
            if room:
                promoted += self._promote(limit, room)
        self.ring(promoted)
        return promoted

    def ring(self, runs: Sequence[Run]) -> None:
        """Wake workers for these runs."""
        now = self._ports.clock()
        by_url: dict[str, list[tuple[UUID, object]]] = {}
        views = {name: self._ports.pools.view(name) for name in {run.work_pool_name for run in runs} if name}
        for run in runs:
            view = views.get(run.work_pool_name or "")
            queue = view.queues.get(run.work_queue_name or "") if view else None
            if queue:
                by_url.setdefault(queue.url, []).append((run.id, run.due))
        for url, rows in by_url.items():
            self._ports.queues.ring_many(url, rows, now)  # type: ignore[arg-type]

    def _room(self, limit: str) -> int:
        slots = self._ports.slots.read([limit]).get(limit)
        kind, _, name = limit.partition(":")
        if kind == "deployment":
            deployment = self._ports.deployments.read(UUID(name))
            if deployment is None or deployment.paused:
                return 0
        return BATCH if slots is None else min(max(slots.maximum - len(slots.holders), 0), BATCH)

    def _promote(self, limit: str, room: int) -> list[Run]:
        ids = [run for run, _ in self._ports.runs.lane(line_lane(limit), limit=room)]
        promoted = []
        for run in self._ports.runs.read_many(ids).values():
            if run.state.type is not StateType.SCHEDULED or run.line != limit:
                continue
            ready = replace(run, line=None, updated=self._ports.clock())
            if self._ports.runs.write(run, ready):
                promoted.append(replace(ready, revision=run.revision + 1))
        return promoted


def lines_of(deployment: UUID) -> str:
    """The line of a deployment: of its limit, and of its runs while it is paused."""
    return deployment_limit(deployment)
