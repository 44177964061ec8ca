"""Workers: registering a session, signing off, and who is online."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.domain.errors import Conflict, FieldProblem, Invalid, NotFound
from chalicelib.domain.pools import PoolView, Session, Worker, WorkQueue
from chalicelib.services.ports import Ports
from chalicelib.services.rescue import KEPT_AFTER_LAST_SESSION, Rescue


@dataclass(frozen=True, slots=True)
class Introduction:
    """What a worker says of itself when it registers."""

    session: UUID
    type: str
    limit: int
    work_queues: Sequence[str] = ()
    host: str = ""
    version: str = ""
    predecessor: UUID | None = None
    lost: Sequence[UUID] = ()


class Workers:
    """Use cases of workers and their sessions."""

    def __init__(self, ports: Ports, rescue: Rescue) -> None:
        self._ports = ports
        self._rescue = rescue

    def register(self, pool: str, worker: str, said: Introduction) -> tuple[Session, PoolView]:
        """Open a session; repeating the call finds it. A predecessor's runs that nobody keeps are taken from it."""
        view = self._fitting_pool(pool, said)
        now = self._ports.clock()
        known = self._ports.sessions.read(said.session)
        if known is not None:
            self._known(known[0], pool, worker)
        second = self._second(pool, worker, said, now)
        if said.predecessor and said.predecessor != said.session:
            self._succeed(said.predecessor, pool, worker, said.lost)
        if second is not None:
            self._rescue.close(second.id, f"Worker {worker!r} was started anew.")
        session = self._open(view, worker, said, now)
        self._note(session, said, now)
        return session, view

    def sign_off(self, pool: str, worker: str, session: UUID) -> None:
        """Close a session; what it still holds is taken away. Repeating it is harmless."""
        if self._ports.pools.pool(pool) is None:
            raise no_pool(pool)
        found = self._ports.sessions.read(session)
        if found is None:
            return
        if (found[0].work_pool_name, found[0].worker_name) != (pool, worker):
            raise Conflict(f"The session {session} is of another worker.", code="session_closed")
        self._rescue.close(session, f"Worker {worker!r} signed off.")

    def drain(self, pool: str, worker: str) -> tuple[Worker, Session]:
        """Have a worker take nothing new from now on, and leave when all that it runs is done.

        Repeating it is harmless. Raises `NotFound`, and `Conflict` (`worker_offline`) where none is there to be told.
        """
        now = self._ports.clock()
        row = self._ports.pools.worker(pool, worker)
        if row is None:
            hint = f"`headrace worker ls --pool {pool}` lists them."
            raise NotFound(f"There is no worker {worker!r} in pool {pool!r}.", hint=hint)
        found = self._ports.sessions.read(row.session) if row.session else None
        if found is None or not found[0].is_open or found[0].lease_until < now:
            raise Conflict(f"Worker {worker!r} of pool {pool!r} is not online.", code="worker_offline")

        def how(session: Session) -> Session | None:
            known = session.is_draining or not session.is_open
            return None if known else replace(session, is_draining=True, slots=0)

        self._ports.sessions.change(found[0].id, now, how)
        view = self._ports.pools.view(pool)
        self._tell(found[0], view.queues if view else {}, {"kind": "drain"})
        return row, found[0]

    def heartbeat(self, pool: str, worker: str, interval: int | None) -> None:
        """The sign of life of a worker that keeps no session (Prefect's own)."""
        if self._ports.pools.pool(pool) is None:
            raise no_pool(pool)
        now = self._ports.clock()
        known = self._ports.pools.worker(pool, worker)
        row = known or Worker(pool, worker, created=now, updated=now)
        row = replace(row, updated=now, heartbeat_interval_seconds=interval)
        self._ports.pools.put_worker(row, now + KEPT_AFTER_LAST_SESSION)

    def of_pool(
        self, pool: str, after: str | None, limit: int, skip: int = 0
    ) -> tuple[list[tuple[Worker, Session | None]], str | None]:
        """A page of a pool's workers by name, each with the session that it last had, and where to go on."""
        if self._ports.pools.pool(pool) is None:
            raise no_pool(pool)
        found, last = self._ports.pools.workers(pool, after, skip + limit)
        workers = found[skip:]
        ids = [worker.session for worker in workers if worker.session]
        sessions = {session.id: session for session in self._ports.sessions.read_many(ids)}
        return [
            (worker, sessions.get(worker.session) if worker.session else None) for worker in workers
        ], last

    def live_sessions(self, pool: str | None = None) -> list[Session]:
        """Open sessions whose lease runs, of one pool or of all."""
        now = self._ports.clock()
        ids = [identity for _, identity in self._ports.sessions.open_ids(pool)]
        found = self._ports.sessions.read_many(ids)
        return [session for session in found if session.is_open and session.lease_until >= now]

    def close_idle(self, pool: str) -> None:
        """After its pool was deleted nobody serves it; if it is made again they open a session in that.

        One that took a run at the last moment may tell what becomes of it, as long as its lease runs.
        """
        for session in self.live_sessions(pool):
            if not session.held:
                self._rescue.close(session.id, f"Work pool {pool!r} was deleted.")

    def tell_of_change(self, pool: str, new: str | None = None) -> None:
        """Have the pool's workers ask for its queues now; they would notice by themselves, but later.

        The `new` queue nobody polls yet, also where there was one of that name before. Who polled none that is left
        finds out by itself: its own is gone.
        """
        view = self._ports.pools.view(pool)
        queues = {name: queue for name, queue in view.queues.items() if name != new} if view else {}
        for session in self.live_sessions(pool):
            self._tell(session, queues, {"kind": "sync"})

    def _tell(self, session: Session, queues: Mapping[str, WorkQueue], command: dict[str, object]) -> None:
        """Have a worker do something now, which its next sync tells it anyway.

        One with nothing in hand does not poll its control queue: for it, the word to sync goes into one of these work
        queues. Another worker of that queue may take it, and sync in vain.
        """
        served = [queues[name].url for name in session.queues if name in queues]
        if session.held or not served:
            self._ports.queues.order(session.control_queue_url, command)
        else:
            self._ports.queues.order(served[0], {"kind": "sync"})

    def _fitting_pool(self, pool: str, said: Introduction) -> PoolView:
        view = self._ports.pools.view(pool)
        if view is None:
            raise no_pool(pool)
        if view.pool.type != said.type:
            raise Conflict(
                f"Work pool {pool!r} is of type {view.pool.type!r}, the worker of type {said.type!r}.",
                code="wrong_pool_type",
                hint=f"Start it with `--type {view.pool.type}`, or name another pool.",
            )
        unknown = [name for name in said.work_queues if name not in view.queues]
        if unknown:
            problem = FieldProblem("info.work_queues", f"has no queue {unknown[0]!r}")
            raise Invalid(
                f"Work pool {pool!r} has no queue {unknown[0]!r}.",
                code="unknown_queue",
                hint=f"It has {', '.join(sorted(view.queues))}. `headrace work-queue create` makes one.",
                errors=[problem],
            )
        return view

    def _second(self, pool: str, worker: str, said: Introduction, now: datetime) -> Session | None:
        """The session left open under this name, which is to be closed. Refused while its lease runs.

        Its keeper may have its runs going until then. Who takes its place knows it: that was its own.
        """
        row = self._ports.pools.worker(pool, worker)
        if row is None or row.session in (None, said.session, said.predecessor):
            return None
        found = self._ports.sessions.read(row.session) if row.session else None
        if found is None or not found[0].is_open:
            return None
        left = (found[0].lease_until - now).total_seconds()
        if left >= 0:
            raise Conflict(
                f"A worker {worker!r} of pool {pool!r} is online already, on host {found[0].host!r}.",
                code="worker_online",
                hint="Give this one another name with `--name`, or stop that one. If it is gone, its name is "
                f"free when its lease has run out, in {left:.0f} s.",
            )
        return found[0]

    def _succeed(self, predecessor: UUID, pool: str, worker: str, lost: Sequence[UUID]) -> None:
        found = self._ports.sessions.read(predecessor)
        if found and (found[0].work_pool_name, found[0].worker_name) == (pool, worker):
            for run in lost:
                self._rescue.take_away(run, predecessor, f"Worker {worker!r} was restarted without its runs.")
            self._rescue.close(predecessor, f"Worker {worker!r} was started anew.")

    def _open(self, view: PoolView, worker: str, said: Introduction, now: datetime) -> Session:
        pool = view.pool.name
        known = self._ports.sessions.read(said.session)
        if known is not None:
            return self._known(known[0], pool, worker)
        session = Session(
            id=said.session,
            work_pool_name=pool,
            worker_name=worker,
            created=now,
            lease_until=now + timedelta(seconds=self._ports.settings.idle_lease_seconds),
            work_queues=tuple(said.work_queues),
            slots=said.limit,
            host=said.host,
            control_queue_url=self._ports.queues.create(pool, "c", said.session.hex[:16]),
            renewed=now,
            queues=served(view, said.work_queues),
            pool_revision=view.pool.revision,
        )
        if self._ports.sessions.create(session):
            return session
        found = self._ports.sessions.read(said.session)
        return self._known(found[0], pool, worker) if found else session

    def _known(self, session: Session, pool: str, worker: str) -> Session:
        if (session.work_pool_name, session.worker_name) != (pool, worker) or not session.is_open:
            raise session_closed(session.id)
        return session

    def _note(self, session: Session, said: Introduction, now: datetime) -> None:
        known = self._ports.pools.worker(session.work_pool_name, session.worker_name)
        row = Worker(
            session.work_pool_name,
            session.worker_name,
            created=known.created if known else now,
            updated=now,
            session=session.id,
            host=said.host,
            version=said.version,
            limit=said.limit,
            work_queues=tuple(said.work_queues),
        )
        self._ports.pools.put_worker(row, None)  # the end of its session says when it goes


def served(view: PoolView, only: Sequence[str]) -> tuple[str, ...]:
    """Names of the queues that a worker serves, in the order in which they are served."""
    return tuple(queue.name for queue in view.in_order() if not only or queue.name in only)


def no_pool(name: str) -> NotFound:
    """The error for a pool that does not exist."""
    return NotFound(
        f"There is no work pool {name!r}.",
        hint=f"`headrace work-pool ls` lists them; `headrace work-pool create {name}` makes it.",
    )


def session_closed(session: UUID) -> Conflict:
    """The error for a session that is over: its runs were taken away."""
    return Conflict(
        f"The session {session} is closed: its lease ran out or it signed off.",
        code="session_closed",
        hint="End what it still runs, and register a new session.",
    )
