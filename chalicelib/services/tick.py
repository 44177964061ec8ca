"""The tick: everything that time must do, once a minute. It may run twice, late, or not for ten minutes.

In this order: leases, slots, strays, collisions, lines, rings, then schedules; each part bounded, and gone on
with by the next tick. After an outage of its own (its last run is longer ago than a lease) it extends every open
lease once before it judges any: the workers could not renew them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ParamSpec, TypeVar
from uuid import UUID

from chalicelib.dispatch.queues import LONGEST_DELAY
from chalicelib.domain.limits import Slots
from chalicelib.domain.names import stamp, unstamp
from chalicelib.domain.pools import PoolView, Session
from chalicelib.domain.runs import Run
from chalicelib.services.active import active_runs, free_slots
from chalicelib.services.collisions import Collisions
from chalicelib.services.late_runs import LateRuns
from chalicelib.services.limits import Limits
from chalicelib.services.lines import Lines
from chalicelib.services.occurrences import Occurrences
from chalicelib.services.pages import each
from chalicelib.services.ports import Ports
from chalicelib.services.promotion import Promotion
from chalicelib.services.put_away import PutAway
from chalicelib.services.rescue import Rescue
from chalicelib.services.runs import Runs
from chalicelib.services.strays import Strays
from chalicelib.services.superseded import Superseded
from chalicelib.storage.run_lanes import ready_lane
from headrace.contract.states import StateType

log = logging.getLogger("headrace.tick")
T = TypeVar("T")
P = ParamSpec("P")
RINGS = 10
"""Runs of a queue that one tick rings for; a worker that wakes finds the others by itself."""
DECIDING = timedelta(seconds=10)
"""So long after its start a tick decides about runs that overlap others."""
PROMOTING = timedelta(seconds=20)
"""So long after its start a tick promotes blocked runs; the next goes on where it ended."""
MAKING = timedelta(seconds=48)
"""So long after its start it makes the runs of schedules, earliest first; its function is stopped at 55 s."""
AHEAD = timedelta(seconds=75)
"""Runs due so soon, and made too early for SQS to hold their doorbell, are rung with a delay."""
PAGE = 200
"""Runs rung for at once when the control plane starts."""


class Tick:
    """The one timed use case."""

    def __init__(
        self,
        ports: Ports,
        rescue: Rescue,
        lines: Lines,
        limits: Limits,
        occurrences: Occurrences,
        away: PutAway,
        strays: Strays,
        runs: Runs,
    ) -> None:
        self._ports = ports
        self._rescue = rescue
        self._lines = lines
        self._promotion = Promotion(ports, lines)
        self._limits = limits
        self._occurrences = occurrences
        self._strays = strays
        self._superseded = Superseded(ports, lines, away)
        self._collisions = Collisions(ports, away)
        self._late = LateRuns(ports)
        self._runs = runs

    def tick(self) -> None:
        """Do all parts. One that fails keeps no other from being done; the first failure is raised in the end."""
        now = self._ports.clock()
        work = _Work()
        marks = work.do(self._ports.watermark.read)
        sessions = work.do(self._leases, now, marks.last) if marks else None
        alive = {one.id: one for one in sessions or () if one.is_open and one.lease_until >= now}
        pools = work.do(self._pool_names) or []
        limits = work.do(self._limit_names) or []
        for pool in pools:
            work.do(self._check_active, pool, alive.keys(), set(limits))
        read = (work.do(self._ports.slots.read, limits) or {}).values()
        for slots in read:
            work.do(self._check_slots, slots, alive)
        if marks:
            work.do(self._strays.look, marks.gone, marks.round)
        work.do(self._collisions.decide, read, now + DECIDING)
        self._promote(work, limits, marks.line if marks else "", now + PROMOTING)
        for pool in pools:
            work.do(self._ring, pool, [one for one in alive.values() if one.work_pool_name == pool], now)
        for row in work.do(self._occurrences.due) or []:
            if self._ports.clock() < now + MAKING:
                work.do(self._occurrences.materialise, *row)
                work.do(self._superseded.skip_of, row[1])
        work.do(self._late.measure, pools, now)
        work.finish()

    def _leases(self, now: datetime, last: datetime | None) -> list[Session]:
        """Judge the leases. Noted at once: what fails later must not look like an outage of the whole."""
        ids = [session for _, session in self._ports.sessions.open_ids()]
        sessions = self._ports.sessions.read_many(ids)
        if self._rescue.was_away(last):
            sessions = self._extended(sessions, now)
        if last is not None:
            self._ports.measure("Seconds", {"tick_interval": (now - last).total_seconds()})
        self._ports.watermark.write(now)
        self._rescue.lapsed(sessions)
        return sessions

    def after_start(self) -> None:
        """The embedded control plane was away until now.

        No worker could renew its lease, so all are extended; and its queues forgot the doorbells, so those
        to come are rung again. For what is due already the first tick rings.
        """
        now = self._ports.clock()
        ids = [session for _, session in self._ports.sessions.open_ids()]
        self._extended(self._ports.sessions.read_many(ids), now)
        for pool in self._pool_names():
            view = self._ports.pools.view(pool)
            for queue in view.queues if view else ():
                self._ring_coming(ready_lane(pool, queue), now)

    def _ring_coming(self, lane: str, now: datetime) -> None:
        """Ring for all runs of a lane that are due before SQS could not hold their doorbell any more."""
        after = f"{stamp(now)}~"
        while rows := self._ports.runs.lane(lane, until=now + LONGEST_DELAY, after=after, limit=PAGE):
            self._lines.ring(list(self._ports.runs.read_many([run for run, _ in rows]).values()))
            after = rows[-1][1]

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
        return list(each(lambda after: self._ports.pools.names(after, 100)))

    def _check_active(self, pool: str, alive: Container[UUID], limits: Container[str]) -> None:
        """The independent net.

        An active run whose session is closed or does not exist is taken away; a cancel whose order was
        lost is ordered again; a limit made meanwhile gets its holder.
        """
        active = list(active_runs(self._ports, pool))
        for run in active:
            if run.session is None or run.session not in alive:
                self._check_session(run)
            elif run.state.type is StateType.CANCELLING:
                self._order_again(run)
        self._limits.adopt(limits, active)

    def _order_again(self, run: Run) -> None:
        now = self._ports.runs.read(run.id)
        if now is not None and (now.state, now.attempt) == (run.state, run.attempt):
            self._runs.order_cancel(now)

    def _check_session(self, run: Run) -> None:
        """The session is not among the live ones, or does not hold the run; only a consistent read decides."""
        found = self._ports.sessions.read(run.session) if run.session else None
        session = found[0] if found else None
        if run.session is None or (session and session.is_open and session.lease_until < self._ports.clock()):
            return
        if session is None or not session.is_open:
            self._rescue.take_away(run.id, run.session, "Its worker's session is over.")
        elif run.state.type is StateType.PENDING and run.id not in session.held and self._is_settled(run):
            self._rescue.take_away(run.id, run.session, "Its worker does not know of it.")

    def _is_settled(self, run: Run) -> bool:
        """Whether it has been in its state for longer than a claim takes: a worker that knew of it would list it."""
        settled = timedelta(seconds=self._ports.settings.claimed_seconds)
        return self._ports.clock() - run.state.timestamp > settled

    def _check_slots(self, slots: Slots, alive: Mapping[UUID, Session]) -> None:
        """Holders whose run is over give their slot back; those that no session holds are taken away.

        The second is a net of its own for PENDING runs, which are in no lane.
        """
        held = self._ports.runs.read_many(slots.holders)
        for holder in slots.holders:
            run = held.get(holder)
            if run is None:
                self._ports.slots.drop(slots.name, holder, None)
            elif slots.name not in run.slots:
                self._ports.slots.drop(slots.name, holder, run.revision)
            elif not _is_held(run, alive):
                self._check_session(run)

    def _limit_names(self) -> list[str]:
        return list(each(lambda after: self._ports.slots.names(after=after)))

    def _promote(self, work: _Work, limits: Sequence[str], last: str, until: datetime) -> None:
        """Line after line from `last` on, until the time for it is over."""
        stopped_at = ""
        for name in work.do(self._promotion.round, limits, last) or []:
            work.do(self._promotion.promote, name, until)
            if self._ports.clock() >= until:
                stopped_at = name
                break
        work.do(self._promotion.stopped_at, stopped_at, last)

    def _ring(self, pool: str, live: list[Session], now: datetime) -> None:
        """Ring again for what waits: doorbells may be lost."""
        view = self._ports.pools.view(pool) if live else None
        if view is None or view.pool.is_paused:
            return
        for queue in view.queues.values():
            serving = [session for session in live if session.serves(queue.name)]
            if serving and not queue.is_paused:
                self._ring_queue(view, queue.name, min(free_slots(self._ports, serving), RINGS), now)

    def _ring_queue(self, view: PoolView, queue: str, most: int, now: datetime) -> None:
        lane = ready_lane(view.pool.name, queue)
        ready = self._ports.runs.lane(lane, until=now, limit=most) if most else []
        age = (now - unstamp(ready[0][1].partition("#")[0])).total_seconds() if ready else 0.0
        self._ports.measure("Seconds", {"queue_age": age}, pool=view.pool.name, queue=queue)
        soon = self._ports.runs.lane(lane, until=now + AHEAD, after=f"{stamp(now)}~", limit=200)
        runs = self._ports.runs.read_many([run for run, _ in (*ready, *soon)])
        ready_ids = {run for run, _ in ready}
        far = [run for run in runs.values() if run.id in ready_ids or run.due - run.created > LONGEST_DELAY]
        self._lines.ring(far)


class _Work:
    """Does parts one by one, whatever becomes of the others."""

    def __init__(self) -> None:
        self._failed: Exception | None = None

    def do(self, part: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T | None:
        """Do a part; None if it fails, which is logged and kept for the end."""
        try:
            return part(*arguments, **named)
        except Exception as error:
            log.exception("A part of the tick failed: %s", part)
            self._failed = self._failed or error
            return None

    def finish(self) -> None:
        """Raise the first failure, if there was one."""
        if self._failed is not None:
            raise self._failed


def _is_held(run: Run, alive: Mapping[UUID, Session]) -> bool:
    session = alive.get(run.session) if run.session else None
    return session is not None and run.id in session.held
