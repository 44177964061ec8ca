"""The tick: everything that time must do, once a minute. It may run twice, late, or not for ten minutes.

In this order: leases, slots, rings, then schedules; each part bounded, and gone on with by the next
tick. After an outage of its own (its last run is longer ago than a lease) it extends every open lease
once before it judges any: the workers could not renew them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from chalicelib.domain.names import stamp
from chalicelib.domain.pools import PoolView, Session
from chalicelib.domain.runs import Run
from chalicelib.services.limits import Limits
from chalicelib.services.active import active_runs
from chalicelib.services.lines import Lines
from chalicelib.services.occurrences import Occurrences
from chalicelib.services.ports import Ports
from chalicelib.services.rescue import Rescue
from chalicelib.services.runs import Runs
from chalicelib.storage.runs import line_lane, ready_lane
from headrace.contract.states import StateType

T = TypeVar("T")
RINGS = 10
"""Runs of a queue that one tick rings for; a worker that wakes finds the others by itself."""
ACTIVE = 500
"""Active runs of a pool that one tick checks, oldest first."""
PROMOTE_ROUNDS = 40
"""Batches of a line that one tick promotes."""
AHEAD = timedelta(seconds=75)
"""Runs due so soon, and made too early for SQS to hold their doorbell, are rung with a delay."""
LONGEST_DELAY = timedelta(seconds=900)


class Tick:
    """The one timed use case."""

    def __init__(
        self,
        ports: Ports,
        rescue: Rescue,
        lines: Lines,
        limits: Limits,
        making: Occurrences,
        use_cases: Runs,
    ) -> None:
        self._ports = ports
        self._rescue = rescue
        self._lines = lines
        self._limits = limits
        self._making = making
        self._runs = use_cases

    def tick(self) -> None:
        """Do all parts."""
        now = self._ports.clock()
        sessions = self._sessions()
        if self._rescue.was_away():
            sessions = self._extended(sessions, now)
        self._rescue.lapsed(sessions)
        pools = self._pool_names()
        alive = {session.id for session in sessions if session.is_open and session.lease_until >= now}
        for pool in pools:
            self._check_active(pool, alive)
        self._check_slots()
        self._promote_lines()
        for pool in pools:
            self._ring(pool, [s for s in sessions if s.id in alive and s.work_pool_name == pool], now)
        self._making.due()
        self._ports.watermark.write(now)

    def _sessions(self) -> list[Session]:
        return self._ports.sessions.read_many([session for _, session in self._ports.sessions.open_ids()])

    def after_start(self) -> None:
        """The embedded control plane was away until now: no worker could renew its lease, so all are extended."""
        self._extended(self._sessions(), self._ports.clock())

    def _extended(self, sessions: list[Session], now: datetime) -> list[Session]:
        lease = timedelta(seconds=self._ports.settings.lease_seconds)
        extended = []
        for session in sessions:
            changed = self._ports.sessions.change(
                session.id,
                now,
                lambda value: (
                    replace(value, lease_until=max(value.lease_until, now + lease)) if value.is_open else None
                ),
            )
            extended.append(changed or session)
        return extended

    def _pool_names(self) -> list[str]:
        return _all(lambda after: self._ports.pools.names(after, 100), lambda name: name)

    def _check_active(self, pool: str, alive: set[UUID]) -> None:
        """The independent net.

        An active run whose session is closed or does not exist is taken away; a cancel whose order was
        lost is ordered again; a limit made meanwhile gets its holder.
        """
        active = list(active_runs(self._ports, pool, ACTIVE))
        for run in active:
            if run.session is None or run.session not in alive:
                self._check_session(run)
            elif run.state.type is StateType.CANCELLING:
                self._runs.cancel(run.id, run.cancel_reason)
        for name in self._limit_names():
            self._limits.adopt(name, active)

    def _check_session(self, run: Run) -> None:
        """The session is not among the live ones listed; only a consistent read decides."""
        found = self._ports.sessions.read(run.session) if run.session else None
        if found and (found[0].is_open and found[0].lease_until >= self._ports.clock()):
            return
        if run.session and not (found and found[0].is_open):
            self._rescue.take_away(run.id, run.session, "Its worker's session is over.")

    def _check_slots(self) -> None:
        """Holders whose run is over give their slot back."""
        for name in self._limit_names():
            slots = self._ports.slots.read([name]).get(name)
            if slots is None or not slots.holders:
                continue
            held = self._ports.runs.read_many(slots.holders)
            over = [run for run in slots.holders if run not in held or name not in held[run].slots]
            if over:
                self._ports.slots.drop(name, over)

    def _limit_names(self) -> list[str]:
        return _all(lambda after: self._ports.slots.names(after=after), lambda name: name)

    def _promote_lines(self) -> None:
        deployments = _all(lambda after: self._ports.deployments.names(after, 100), lambda row: row[1])
        names = [*self._limit_names(), *(f"deployment:{identity}" for identity, _ in deployments)]
        for name in dict.fromkeys(names):
            if not self._ports.runs.lane(line_lane(name), limit=1):
                continue
            for _ in range(PROMOTE_ROUNDS):
                if not self._lines.promote([name]):
                    break

    def _ring(self, pool: str, live: list[Session], now: datetime) -> None:
        """Ring again for what waits: doorbells may be lost."""
        view = self._ports.pools.view(pool)
        if view is None or view.pool.is_paused or not live:
            return
        for queue in view.queues.values():
            serving = [session for session in live if session.serves(queue.name)]
            free = sum(max(session.slots - len(session.held), 0) for session in serving)
            if serving and not queue.is_paused:
                self._ring_queue(view, queue.name, min(free, RINGS), now)

    def _ring_queue(self, view: PoolView, queue: str, most: int, now: datetime) -> None:
        lane = ready_lane(view.pool.name, queue)
        ready = self._ports.runs.lane(lane, until=now, limit=most) if most else []
        soon = self._ports.runs.lane(lane, until=now + AHEAD, after=f"{stamp(now)}~", limit=200)
        runs = self._ports.runs.read_many([run for run, _ in (*ready, *soon)])
        ready_ids = {run for run, _ in ready}
        far = [run for run in runs.values() if run.id in ready_ids or run.due - run.created > LONGEST_DELAY]
        self._lines.ring(far)


def _all(page: Callable[[str | None], tuple[list[T], bool]], key: Callable[[T], str]) -> list[T]:
    """All pages of a small collection."""
    rows: list[T] = []
    after: str | None = None
    while True:
        found, more = page(after)
        rows += found
        if not more:
            return rows
        after = key(found[-1])
