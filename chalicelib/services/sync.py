"""`sync`: a worker says everything it has to say, and is told what to do.

1. Read the session; a closed one is refused. The pool is read when there is something to choose from,
   when the lease is due to be written anew, and when the worker does not know the pool as it is.
2. Apply the reports: one bad report gets its own verdict and never fails the rest. When the lease is
   due to be written anew, look after other workers of the pool whose lease has lapsed.
3. Choose runs for the free slots, and grant again those whose answer was lost.
4. Write the session: the lease renewed, what ended let go, and the intent to hold what was chosen.
5. Claim what was chosen; with slots left over, choose again.
6. Store the logs, and answer.

Steps 2 to 4 share one write of the session. Where reports could take long against what is left of
the lease, it is renewed before them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.domain.eligibility import Answer
from chalicelib.domain.errors import Conflict, Unavailable
from chalicelib.domain.pools import PoolView, Session
from chalicelib.domain.reports import Applied, Outcome, Told
from chalicelib.domain.runs import Run
from chalicelib.services.claims import Choice, Claims, Pages
from chalicelib.services.grants import Grants
from chalicelib.services.held_sets import RENEW_AFTER, HeldSets, has_heard
from chalicelib.services.own_runs import only_own
from chalicelib.services.ports import Ports
from chalicelib.services.reporting import Reporting
from chalicelib.services.rescue import Rescue
from chalicelib.services.runs import Runs
from chalicelib.services.said import Answered, Said
from chalicelib.services.workers import no_pool, served, session_closed
from headrace.contract.states import StateType

NEIGHBOURS = 5
"""Other workers' sessions that each looks after."""


_HINTS = {
    Answer.START: "ready",
    Answer.STALE: "ready",
    Answer.GONE: "gone",
    Answer.SKIP: "gone",
    Answer.EARLY: "blocked",
    Answer.WAIT: "blocked",
    Answer.LINE: "blocked",
}


class Sync:
    """The use case behind the one endpoint that workers call."""

    def __init__(
        self, ports: Ports, claims: Claims, reporting: Reporting, rescue: Rescue, runs: Runs
    ) -> None:
        self._ports = ports
        self._claims = claims
        self._reporting = reporting
        self._rescue = rescue
        self._runs = runs
        self._held_sets = HeldSets(ports, rescue)

    def sync(self, pool: str, worker: str, said: Said) -> Answered:
        """Do all six steps. Raises `NotFound` for a pool, `Conflict` (`session_closed`) for a session that is over."""
        begun = self._ports.clock()
        session, revision = self._session(pool, worker, said.session)
        said = only_own(self._ports, session, said)
        is_new = said.seq > session.seq
        if self._is_short(session, begun) and said.reports:
            session, revision = self._write(session, revision, said, frozenset(said.held), frozenset(), begun)
        verdicts, freed = self._reporting.apply(said.reports, pool)
        due = self._is_due(session, said, begun)
        if due:
            self._look_after_others(session)
        ended = _ended(session, verdicts)
        listed = frozenset(said.held) - ended - _fenced(said, verdicts)
        unlisted = self._held_sets.unlisted(session, listed | ended, has_heard(session, said.seq, said.heard))
        want = max(said.want - len(unlisted.again), 0) if is_new and not session.is_draining else 0
        pages = self._claims.waiting(session, want)
        looks = due or freed or said.hints or unlisted.again or any(pages.values())
        view = self._view(pool) if looks or said.pool_revision != session.pool_revision else None
        answer = Grants(self._ports, view.pool) if view else None
        again = answer.again(unlisted.again) if answer else []
        choice = (
            self._choose(session, view, said, freed, want, pages, answer) if view and answer else Choice()
        )
        owes = len(again) < len(unlisted.again)
        chosen = frozenset(run.id for run, _ in choice.chosen)
        if chosen or due or unlisted.looked or ended & session.held:
            lean = replace(session, held=session.held - ended - unlisted.over, owes=owes)
            lean = _knowing(lean, view) if view else lean
            session, revision = self._write(lean, revision, said, listed, chosen, begun)
        granted = self._take(session, revision, view, said, choice, begun) if view else []
        have_followed = self._claims.follow(choice)
        self._store_logs(said)
        return Answered(
            lease_seconds=(session.lease_until - self._ports.clock()).total_seconds(),
            pool_revision=view.pool.revision if view else session.pool_revision,
            view=view,
            queues=served(view, session.work_queues) if view else (),
            granted=[*again, *(answer.of(granted, choice.deployments) if answer else ())],
            hints=self._hint_answers(said, choice, granted),
            verdicts=verdicts,
            cancel=[(run, said.held[run]) for run in sorted(session.orders) if run in said.held],
            fenced=[(run, told.attempt) for run, told, done in verdicts if done.outcome is Outcome.FENCED],
            drain=session.is_draining,
            has_more=owes or ((choice.is_cut or have_followed) and len(granted) < want),
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
        """Take runs from workers of the pool that are gone, without waiting for the tick.

        Each looks after the few that follow it by id, the last one after the first: so all are looked after,
        and many workers cost each of them no more than few.
        """
        ids = self._ports.sessions.next_ids(session, NEIGHBOURS)
        others = self._ports.sessions.read_many(ids) if ids else []
        now = self._ports.clock()
        gone = [other for other in others if not other.is_open or other.lease_until < now]
        if gone and not self._rescue.was_away(self._ports.watermark.read().last):
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
        self,
        session: Session,
        revision: int,
        said: Said,
        listed: frozenset[UUID],
        intents: frozenset[UUID],
        now: datetime,
    ) -> tuple[Session, int]:
        """Renew the lease and note what is held.

        Losing the race means that the session was closed or that an order came in: read it again, and keep
        all that it holds then. Or that this very request, sent twice, is being answered twice, or the worker
        has gone on to the next one: then only one may grant, since the worker hears one answer.
        """
        settings, owes = self._ports.settings, session.owes
        while True:
            held = session.held | listed | intents
            lease = settings.lease_seconds if held else settings.idle_lease_seconds
            renewed = replace(
                session,
                seq=max(session.seq, said.seq),
                slots=0 if session.is_draining else said.slots,
                lease_until=max(session.lease_until, now + timedelta(seconds=lease)),
                renewed=now,
                intended=self._ports.clock() if intents else session.intended,
                held=held,
                orders=session.orders & frozenset(said.held),
                owes=owes,
            )
            if self._ports.sessions.write(renewed, revision, now):
                return renewed, revision + 1
            found = self._ports.sessions.read(session.id)
            if found is None or not found[0].is_open:
                raise session_closed(session.id)
            if session.seq < said.seq <= found[0].seq or said.seq < found[0].seq:
                raise Unavailable("The same sync is being answered already.", code="busy", hint="Try again.")
            session, revision = found

    def _view(self, pool: str) -> PoolView:
        view = self._ports.pools.view(pool)
        if view is None:
            raise no_pool(pool)
        return view

    def _choose(
        self,
        session: Session,
        view: PoolView,
        said: Said,
        freed: Sequence[Run],
        want: int,
        pages: Pages,
        answer: Grants,
    ) -> Choice:
        hints = {run.id: run for run in freed if run.work_pool_name == view.pool.name}
        hints |= self._rung(said.hints) if said.hints else {}
        if not want and not hints:
            return Choice()
        return self._claims.choose(session, view, want, list(hints.values()), answer, pages)

    def _rung(self, hints: Sequence[UUID]) -> dict[UUID, Run]:
        """The rung runs; one that an eventually consistent read does not show waiting is read again."""
        found = self._ports.runs.read_many(hints, consistent=False)
        waits = {run.id for run in found.values() if run.state.type is StateType.SCHEDULED}
        return found | self._ports.runs.read_many(run for run in hints if run not in waits)

    def _take(
        self, session: Session, revision: int, view: PoolView, said: Said, choice: Choice, begun: datetime
    ) -> list[Run]:
        """Claim, and choose again while slots are left and something was lost to others."""
        until = begun + timedelta(seconds=self._ports.settings.claiming_seconds)
        granted: list[Run] = []
        while choice.chosen:
            taken = self._claims.take(session, choice, until)
            granted += taken
            missing = len(choice.chosen) - len(taken)
            if missing <= 0 or choice.is_cut or self._ports.clock() >= until:
                break
            further = self._claims.choose(session, view, missing, [], choice.answer)
            choice.is_cut |= further.is_cut
            further.chosen = [pair for pair in further.chosen if pair[0].id not in choice.lost]
            if not further.chosen:
                break
            intents = frozenset(run.id for run, _ in further.chosen)
            now = self._ports.clock()
            session, revision = self._write(session, revision, said, frozenset(), intents, now)
            choice.go_on(further)
        return granted

    def _hint_answers(self, said: Said, choice: Choice, granted: Sequence[Run]) -> dict[UUID, str]:
        mine = {run.id for run in granted} | said.held.keys()
        seen = choice.seen
        return {run: "granted" if run in mine else _HINTS[seen.get(run, Answer.GONE)] for run in said.hints}

    def _store_logs(self, said: Said) -> None:
        now, until = self._ports.clock(), self._runs.retention()
        for run, attempt, seq, records in said.logs:
            if records:
                self._ports.logs.append(run, attempt, f"{seq:09d}", records, now=now, kept_until=until)


def _ended(session: Session, verdicts: Sequence[tuple[UUID, Told, Applied]]) -> frozenset[UUID]:
    """The runs of which this very sync learnt that they are no longer the session's.

    Not those of a report that was known: its first handler may be claiming the run anew.
    """
    runs = (done.run for _, _, done in verdicts if done.outcome is Outcome.ACCEPTED)
    return frozenset(run.id for run in runs if not (run.is_held and run.session == session.id))


def _fenced(said: Said, verdicts: Sequence[tuple[UUID, Told, Applied]]) -> frozenset[UUID]:
    """The runs of which the worker lists an attempt that is over, and may not have heard of the next."""
    tolds = ((run, told) for run, told, done in verdicts if done.outcome is Outcome.FENCED)
    return frozenset(run for run, told in tolds if said.held.get(run) == told.attempt)


def _knowing(session: Session, view: PoolView) -> Session:
    """A session that knows the queues it serves as they are now."""
    return replace(session, queues=served(view, session.work_queues), pool_revision=view.pool.revision)
