"""Sessions whose lease has lapsed: closed by one conditional write, their runs taken away.

A run taken away goes on from where its policy says: back to SCHEDULED if it had not started, to a retry
if it may be retried, else CRASHED; CANCELLED if it was being cancelled. The same transitions as everyone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.domain import runs
from chalicelib.domain.errors import NotFound
from chalicelib.domain.pools import Session
from chalicelib.domain.retry import RetryPolicy, after_lost, decide
from chalicelib.domain.runs import Run
from chalicelib.domain.transitions import Cause
from chalicelib.services.lines import Lines
from chalicelib.services.ports import Ports
from chalicelib.services.runs import Runs
from chalicelib.services.strays import Strays
from headrace.contract.states import StateName, StateType

KEPT_AFTER_LAST_SESSION = timedelta(days=1)


class Rescue:
    """Takes runs from sessions that are gone."""

    def __init__(self, ports: Ports, lines: Lines, strays: Strays, run_service: Runs) -> None:
        self._ports = ports
        self._lines = lines
        self._strays = strays
        self._runs = run_service

    def was_away(self, last: datetime | None) -> bool:
        """Whether the control plane itself was away: the `last` tick is longer ago than a lease and a minute."""
        longest = timedelta(seconds=self._ports.settings.lease_seconds + 60)
        return last is not None and self._ports.clock() - last > longest

    def lapsed(self, sessions: Iterable[Session]) -> None:
        """Close those of these sessions whose lease is over, and finish those that were closed."""
        now = self._ports.clock()
        gone = [session for session in sessions if not session.is_open or session.lease_until < now]
        for session in gone:
            self.close(
                session.id, f"Worker {session.worker_name!r} was lost: its lease ran out.", lapsed=True
            )

    def close(self, session_id: UUID, why: str, lapsed: bool = False) -> None:
        """Close a session and take its runs away. May be repeated: what was done is not done again.

        With `lapsed`, only if its lease is over by now: it may have been renewed since it was read.
        A sync that began before may still be claiming: until it cannot, the session keeps the names of
        its runs, and the tick looks again.
        """
        now = self._ports.clock()
        found = self._ports.sessions.read(session_id)
        session = found[0] if found else None
        if session is not None and session.is_open:
            session = self._ports.sessions.change(session_id, now, lambda value: _shut(value, now, lapsed))
        if session is None:
            return
        for run in sorted(session.held):
            self.take_away(run, session_id, why)
        queue = session.control_queue_url
        if queue and self._ports.queues.delete(queue):
            queue = ""
        self._forget_worker(session, now)
        claiming = timedelta(seconds=self._ports.settings.claimed_seconds)
        is_over = not session.held or now - (session.closed or now) > claiming
        if is_over or queue != session.control_queue_url:
            self._ports.sessions.change(session_id, now, lambda value: _emptied(value, is_over, queue))

    def _forget_worker(self, session: Session, now: datetime) -> None:
        """The name of a worker is shown for a day after its last session."""
        worker = self._ports.pools.worker(session.work_pool_name, session.worker_name)
        if worker is not None and worker.session == session.id:
            self._ports.pools.forget_worker(worker, (session.closed or now) + KEPT_AFTER_LAST_SESSION)

    def take_away(self, run_id: UUID, session: UUID, why: str) -> None:
        """Take one run from a session, if the session has it."""
        now = self._ports.clock()
        try:
            before, after = self._ports.runs.change(run_id, lambda run: self._taken(run, session, why, now))
        except NotFound:
            return  # it was deleted, which no run is that the session has
        if before is after:
            return
        self._lines.promote(before.slots)
        if after.state.type is StateType.SCHEDULED:
            self._strays.back(after)

    def _taken(self, run: Run, session: UUID, why: str, now: datetime) -> Run | None:
        if run.session != session or not run.is_held:
            return None
        if run.state.type is StateType.PENDING:
            return runs.back_to_scheduled(run, Cause.LEASE, now, due=run.due, message=why)
        if run.state.type is StateType.CANCELLING:
            text = f"{run.cancel_reason or 'Cancelled.'} {why}"
            return self._over(runs.ended(run, StateType.CANCELLED, Cause.LEASE, now, message=text))
        return self._lost(run, why, now)

    def _lost(self, run: Run, why: str, now: datetime) -> Run:
        policy = run.retry_policy or RetryPolicy()
        lost = run.lost_count + 1
        error = {"type": "WorkerLost", "message": why}
        if after_lost(policy, lost, run.run_count):
            dice = self._ports.dice()
            delay = decide(policy, run.run_count, True, None, None, dice, lost_count=lost) or 0.0
            back = runs.back_to_scheduled(
                run,
                Cause.LEASE,
                now,
                due=now + timedelta(seconds=delay),
                name=StateName.AWAITING_RETRY,
                message=why,
                error=error,
            )
            return replace(back, lost_count=lost)
        crashed = runs.ended(run, StateType.CRASHED, Cause.LEASE, now, message=why, error=error)
        return self._over(replace(crashed, lost_count=lost))

    def _over(self, run: Run) -> Run:
        return replace(run, expires_at=self._runs.retention())


def _shut(session: Session, now: datetime, lapsed: bool) -> Session | None:
    if lapsed and session.lease_until >= now:
        return None
    return replace(session, is_open=False, closed=session.closed or now)


def _emptied(session: Session, is_over: bool, queue: str) -> Session:
    held = frozenset() if is_over else session.held
    return replace(session, held=held, orders=frozenset(), control_queue_url=queue)
