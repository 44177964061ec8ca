"""Whether somebody would take a run: the status of pools, queues and deployments, by the live sessions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.pools import Session, WorkPool, WorkQueue
from chalicelib.services.ports import Ports
from chalicelib.services.workers import Workers

Place = tuple[str, str]
"""The names of a pool and of a queue of it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A pool or queue with what its workers say of it."""

    status: str
    last_polled: datetime | None = None


class Readiness:
    """Reads sessions once, for as many as are asked about."""

    def __init__(self, ports: Ports, workers: Workers) -> None:
        self._ports = ports
        self._workers = workers

    def standings(self, pool: str | None = None) -> Callable[[WorkPool | WorkQueue], Standing]:
        """A function that tells how a pool or queue stands, by the live sessions read once."""
        live: dict[str, list[Session]] = {}
        for session in self._workers.live_sessions(pool):
            live.setdefault(session.work_pool_name, []).append(session)
        return lambda value: _standing(value, live)

    def served(self, places: Collection[Place]) -> set[Place]:
        """Those of these queues that exist, and that a live worker serves."""
        pools = {pool for pool, _ in places}
        live = self._workers.live_sessions(next(iter(pools)) if len(pools) == 1 else None) if pools else []
        served = {
            (pool, queue)
            for pool, queue in places
            if any(session.work_pool_name == pool and session.serves(queue) for session in live)
        }
        return {(queue.work_pool_name, queue.name) for queue in self._ports.pools.queues(sorted(served))}


def _standing(value: WorkPool | WorkQueue, live: Mapping[str, Sequence[Session]]) -> Standing:
    if isinstance(value, WorkPool):
        sessions = live.get(value.name, ())
    else:
        sessions = [s for s in live.get(value.work_pool_name, ()) if s.serves(value.name)]
    polled = max((session.renewed or session.created for session in sessions), default=None)
    if value.is_paused:
        return Standing("PAUSED", polled)
    return Standing("READY" if sessions else "NOT_READY", polled)
