"""`sync`: a worker says everything it has to say, and is told what to do.

1. Read the session; a closed one is refused. The pool is read when there is something to choose from,
   when the lease is due to be written anew, and when the worker does not know the pool as it is.
2. Apply the reports: one bad report gets its own verdict and never fails the rest. When the lease is
   due to be written anew, look after other workers of the pool whose lease has lapsed.
3. Choose runs for the free slots, and grant again those whose answer was lost.
4. Write the session: the lease renewed, and the intent to hold what was chosen.
5. Claim what was chosen; with slots left over, choose again.
6. Store the logs, and answer.

Steps 2 to 4 share one write of the session. Where reports could take long against what is left of
the lease, it is renewed before them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.domain.eligibility import Answer
from chalicelib.domain.errors import Conflict, Unavailable
from chalicelib.domain.pools import PoolView, Session
from chalicelib.domain.reports import Applied, Outcome, Told
from chalicelib.domain.runs import Run
from chalicelib.services.claims import Choice, Claims, Pages
from chalicelib.services.grants import Granted, grants
from chalicelib.services.ports import Ports
from chalicelib.services.reporting import Reporting
from chalicelib.services.rescue import Rescue
from chalicelib.services.runs import Runs
from chalicelib.services.workers import no_pool, served, session_closed
from chalicelib.storage.logs import Record
from headrace.contract.states import StateType

RENEW_AFTER = 0.1
"""Part of a lease after which it is written anew even if nothing else of the session changes."""


@dataclass(frozen=True, slots=True)
class Said:
    """One sync, as the use case sees it."""

    session: UUID
    seq: int
    slots: int
    want: int
    held: Mapping[UUID, int] = field(default_factory=dict)
    hints: Sequence[UUID] = ()
    reports: Sequence[tuple[UUID, Told]] = ()
    logs: Sequence[tuple[UUID, int, int, Sequence[Record]]] = ()
    pool_revision: int | None = None
    heard: int | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """What the worker is told. `cancel` are runs that it shall end; `view` is there if the pool was looked at.

    `has_more`: not all that waits was looked at, and slots are free. It shall ask again at once.
    """

    lease_seconds: float
    pool_revision: int
    view: PoolView | None = None
    granted: Sequence[Granted] = ()
    hints: Mapping[UUID, str] = field(default_factory=dict)
    verdicts: Sequence[tuple[UUID, Told, Applied]] = ()
    cancel: Sequence[tuple[UUID, int]] = ()
    fenced: Sequence[tuple[UUID, int]] = ()
    has_more: bool = False


_HINTS = {
    Answer.START: "ready",
    Answer.GONE: "gone",
    Answer.SKIP: "gone",
    Answer.WAIT: "blocked",
    Answer.LINE: "blocked",
}


class Sync:
    """The use case behind the one endpoint that workers call."""

    def __init__(
        self, ports: Ports, claims: Claims, reporting: Reporting, rescue: Rescue, use_cases: Runs
    ) -> None:
        self._ports = ports
        self._claims = claims
        self._reporting = reporting
        self._rescue = rescue
        self._runs = use_cases

    def sync(self, pool: str, worker: str, said: Said) -> Answered:
        """Do all six steps. Raises `NotFound` for a pool, `Conflict` (`session_closed`) for a session that is over."""
        begun = self._ports.clock()
        session, revision = self._session(pool, worker, said.session)
        is_new = said.seq > session.seq
        if self._is_short(session, begun) and said.reports:
            session, revision = self._write(session, revision, said, frozenset(), begun)
        verdicts, freed = self._reporting.apply(said.reports)
        due = self._is_due(session, said, begun)
        if due:
            self._look_after_others(session)
        again, leftovers = self._lost_answers(session, said)
        want = max(said.want - len(again), 0) if is_new else 0
        pages = self._claims.waiting(session, want)
        view = None
        if (
            due
            or again
            or freed
            or said.hints
            or any(pages.values())
            or said.pool_revision != session.pool_revision
        ):
            view = self._view(pool)
        choice = self._choose(session, view, said, freed, want, pages) if view else Choice()
        chosen = frozenset(run.id for run, _ in choice.chosen)
        if chosen or again or due:
            lean = replace(session, held=session.held - leftovers)
            lean = _knowing(lean, view) if view else lean
            session, revision = self._write(lean, revision, said, chosen, begun)
        granted = self._take(session, revision, view, said, choice, begun) if view else []
        self._store_logs(said)
        return Answered(
            lease_seconds=(session.lease_until - self._ports.clock()).total_seconds(),
            pool_revision=view.pool.revision if view else session.pool_revision,
            view=view,
            granted=grants(self._ports, [*again, *granted], choice.deployments),
            hints=self._hint_answers(said, choice, granted),
            verdicts=verdicts,
            cancel=[(run, said.held[run]) for run in sorted(session.orders) if run in said.held],
            fenced=[(run, told.attempt) for run, told, done in verdicts if done.outcome is Outcome.FENCED],
            has_more=choice.is_cut and len(granted) < want,
        )

    def _session(self, pool: str, worker: str, session_id: UUID) -> tuple[Session, int]:
        found = self._ports.sessions.read(session_id, consistent=False)
        if found is None or not found[0].is_open:
            found = self._ports.sessions.read(session_id)
        if found is None or not found[0].is_open:
            self._view(pool)
            raise session_closed(session_id)
        session = found[0]
        if (session.work_pool_name, session.worker_name) != (pool, worker):
            self._view(pool)
            raise Conflict(f"The session {session_id} is of another worker.", code="session_closed")
        return session, found[1]

    def _look_after_others(self, session: Session) -> None:
        """Take runs from workers of the pool that are gone, without waiting for the tick."""
        ids = [
            other for _, other in self._ports.sessions.open_ids(session.work_pool_name) if other != session.id
        ]
        others = self._ports.sessions.read_many(ids) if ids else []
        now = self._ports.clock()
        gone = [other for other in others if not other.is_open or other.lease_until < now]
        if gone and not self._rescue.was_away():
            self._rescue.lapsed(gone)

    def _is_short(self, session: Session, now: datetime) -> bool:
        return (session.lease_until - now).total_seconds() < self._ports.settings.lease_seconds / 2

    def _is_due(self, session: Session, said: Said, now: datetime) -> bool:
        aged = (now - (session.renewed or session.created)).total_seconds()
        over = session.orders - said.held.keys()
        return (
            aged >= RENEW_AFTER * self._ports.settings.lease_seconds
            or bool(over)
            or said.slots != session.slots
        )

    def _write(
        self, session: Session, revision: int, said: Said, intents: frozenset[UUID], now: datetime
    ) -> tuple[Session, int]:
        """Renew the lease and note what is held.

        Losing the race means that the session was closed or that an order came in: read it again. Or that
        this very request, sent twice, is being answered twice: then only one may grant, since the worker
        hears one answer, and takes what it does not list then for known.
        """
        settings = self._ports.settings
        while True:
            held = session.held | frozenset(said.held) | intents
            lease = settings.lease_seconds if held else settings.idle_lease_seconds
            renewed = replace(
                session,
                seq=max(session.seq, said.seq),
                slots=said.slots,
                lease_until=max(session.lease_until, now + timedelta(seconds=lease)),
                renewed=now,
                held=held,
                orders=session.orders & frozenset(said.held),
            )
            if self._ports.sessions.write(renewed, revision, now):
                return renewed, revision + 1
            found = self._ports.sessions.read(session.id)
            if found is None or not found[0].is_open:
                raise session_closed(session.id)
            if session.seq < said.seq <= found[0].seq:
                raise Unavailable("The same sync is being answered already.", code="busy", hint="Try again.")
            session, revision = found

    def _lost_answers(self, session: Session, said: Said) -> tuple[list[Run], frozenset[UUID]]:
        """Runs granted earlier whose answer never arrived (to be granted again), and those no longer held."""
        unlisted = [run for run in session.held if run not in said.held]
        if said.heard is not None and said.heard >= session.seq:
            return [], frozenset(unlisted)  # every answer that granted something arrived
        if not unlisted:
            return [], frozenset()
        found = self._ports.runs.read_many(unlisted)
        mine = [run for run in found.values() if run.session == session.id and run.is_held]
        pending = [run for run in mine if run.state.type is StateType.PENDING]
        cancelled = [run for run in mine if run.state.type is StateType.CANCELLING and not run.has_started]
        for run in cancelled:
            self._rescue.take_away(run.id, session.id, "Cancelled before its worker heard of it.")
        kept = {run.id for run in mine} - {run.id for run in cancelled}
        return pending, frozenset(unlisted) - kept

    def _view(self, pool: str) -> PoolView:
        view = self._ports.pools.view(pool)
        if view is None:
            raise no_pool(pool)
        return view

    def _choose(
        self, session: Session, view: PoolView, said: Said, freed: Sequence[Run], want: int, pages: Pages
    ) -> Choice:
        hints = {run.id: run for run in freed if run.work_pool_name == view.pool.name}
        hints |= self._rung(said.hints) if said.hints else {}
        if not want and not hints:
            return Choice()
        return self._claims.choose(session, view, want, list(hints.values()), pages)

    def _rung(self, hints: Sequence[UUID]) -> dict[UUID, Run]:
        """The rung runs; one that an eventually consistent read does not show waiting is read again."""
        found = self._ports.runs.read_many(hints, consistent=False)
        waits = {run.id for run in found.values() if run.state.type is StateType.SCHEDULED}
        return found | self._ports.runs.read_many(run for run in hints if run not in waits)

    def _take(
        self, session: Session, revision: int, view: PoolView, said: Said, choice: Choice, begun: datetime
    ) -> list[Run]:
        """Claim, and choose again while slots are left and something was lost to others."""
        until = begun + timedelta(seconds=self._ports.settings.lease_seconds / 3)
        granted: list[Run] = []
        while choice.chosen:
            taken = self._claims.take(session, choice, until)
            granted += taken
            missing = len(choice.chosen) - len(taken)
            if missing <= 0 or self._ports.clock() >= until:
                break
            further = self._claims.choose(session, view, missing, [])
            further.chosen = [pair for pair in further.chosen if pair[0].id not in choice.lost]
            if not further.chosen:
                break
            intents = frozenset(run.id for run, _ in further.chosen)
            session, revision = self._write(session, revision, said, intents, self._ports.clock())
            choice.seen |= further.seen
            choice.deployments |= further.deployments
            choice.chosen = further.chosen
        return granted

    def _hint_answers(self, said: Said, choice: Choice, granted: Sequence[Run]) -> dict[UUID, str]:
        mine = {run.id for run in granted} | said.held.keys()
        answers = {}
        for run in said.hints:
            answers[run] = "granted" if run in mine else _HINTS[choice.seen.get(run, Answer.GONE)]
        return answers

    def _store_logs(self, said: Said) -> None:
        expires = self._runs.retention()
        for run, attempt, seq, records in said.logs:
            if records:
                self._ports.logs.append(run, attempt, f"{seq:09d}", records, expires)


def _knowing(session: Session, view: PoolView) -> Session:
    """A session that knows the queues it serves as they are now."""
    return replace(session, queues=served(view, session.work_queues), pool_revision=view.pool.revision)
