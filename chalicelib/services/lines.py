"""Lines of blocked runs: each limit's and each paused deployment's runs wait apart from those that can start.

As many as may start are promoted to their queue's ready lane and rung. A line is read queue by queue,
so that a run of a paused or unserved queue does not stand before one of another queue; which of the
promoted is best is decided by the claim. A promotion too many is harmless: the claim judges again and
puts a blocked run back into its line.

Of a long line whose limit was lifted or raised by much, the first come into their queue at once and lead the
others: whenever a claim takes some of these, or somebody cancels, postpones or deletes one, as many follow. So
they start in the order of their due times, before those made later, as fast as workers take them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.domain.eligibility import EARLY, Answer, judge
from chalicelib.domain.pools import PoolView
from chalicelib.domain.run_limits import lines_of, may_need
from chalicelib.domain.runs import Run
from chalicelib.services.dropping import drop
from chalicelib.services.facts import gather
from chalicelib.services.pages import each
from chalicelib.services.ports import Ports
from chalicelib.storage.run_lanes import ready_lane
from headrace.contract.states import StateType

BATCH = 50
"""Runs of a queue promoted at once where no limit says fewer; the rest follow them."""
SCAN = 10
"""Rows of a page at most where none of those before could start; else no more than are wanted, to read no more."""
UNBOUNDED = 1_000_000
"""The room in a line that nothing holds back."""
PAGES = 20
"""Pages of a line that one promotion reads: bounds its time where many wait for something else, too."""
QUEUES = 100
"""Queues of one line that one promotion looks into."""
RESUMING = timedelta(seconds=5)
"""So long a request that resumes a pool or queue looks through all lines; the tick goes on with the rest."""


class Lines:
    """Moves runs into and out of lines."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def wait(self, run: Run, line: str) -> None:
        """Put a waiting run into a line, unless it changed meanwhile."""
        if run.line != line:
            self._ports.runs.tried(run, replace(run, line=line, leads=None, updated=self._ports.clock()))

    def promote(self, limits: Iterable[str]) -> list[Run]:
        """Let as many runs of these lines as may start now stand in their queues, and ring for them."""
        promoted = []
        for limit in dict.fromkeys(limits):
            room = self._room(limit)
            if room:
                promoted += [
                    run for view, queue in self._queues(limit) for run in self._from(view, queue, limit, room)
                ]
        self.ring(promoted)
        return promoted

    def follow(self, gone: Iterable[Run], until: datetime | None = None) -> list[Run]:
        """As many runs follow from their lines as of those that led them have left their queues.

        Costs nothing where none led. After `until` no further page of a line is read.
        """
        promoted = []
        led = Counter(
            (run.leads, run.work_pool_name or "", run.work_queue_name or "") for run in gone if run.leads
        )
        for (limit, pool, queue), count in led.items():
            view, room = self._ports.pools.view(pool), self._room(limit)
            if view and queue in view.queues and room:
                promoted += self._from(view, queue, limit, room, min(count, BATCH), until)
        self.ring(promoted)
        return promoted

    def leave(self, *runs: Run) -> None:
        """After somebody cancelled, postponed or deleted runs: others come into the places they had in their queues.

        The `runs` are as they were before.
        """
        self.follow(runs)
        soon = self._ports.clock() + EARLY
        ready = [run for run in runs if run.state.type is StateType.SCHEDULED and not run.line]
        names = {name for run in ready if run.due <= soon for name in lines_of(run) if name != run.leads}
        if names:
            self.promote(sorted(self._ports.slots.read(names)))

    def promote_in(self, pool: str, queue: str | None) -> None:
        """After a pool, or one of its queues, was resumed: nothing of it was promoted while it was paused."""
        until = self._ports.clock() + RESUMING
        promoted = []
        for limit in self.limits():
            if self._ports.clock() >= until:
                break
            of_it = [
                (view, name)
                for view, name in self._queues(limit)
                if view.pool.name == pool and queue in (None, name)
            ]
            room = self._room(limit) if of_it else 0
            if room:
                promoted += [run for view, name in of_it for run in self._from(view, name, limit, room)]
        self.ring(promoted)

    def top_up(self, limit: str) -> bool:
        """The tick's promotion: of a limit's line no more than may start, counting those already in their queues.

        Whether any was promoted.
        """
        room = self._room(limit)
        is_limited = bool(room and self._ports.slots.read([limit]))
        promoted = []
        for view, queue in self._queues(limit) if room else ():
            most = min(room, BATCH)
            missing = most - self._ready(view, queue, limit, most) if is_limited else most
            if missing > 0:
                promoted += self._from(view, queue, limit, room, missing)
        self.ring(promoted)
        return bool(promoted)

    def limits(self) -> Iterator[str]:
        """All limits, and those that were lifted lately: runs may wait in the lines of both."""
        yield from each(lambda after: self._ports.slots.names(after=after))
        yield from (name for name, _ in self._ports.slots.removed())

    def ring_when_due(self, runs: Sequence[Run], view: PoolView) -> None:
        """Wake workers once more for what they came too early for: within a second after it is due."""
        self.ring(runs, view, timedelta(seconds=1))

    def ring(
        self, runs: Sequence[Run], view: PoolView | None = None, after: timedelta = timedelta(0)
    ) -> None:
        """Wake workers for these runs, so long after they are due; `view` is their pool if it was read before."""
        now = self._ports.clock()
        by_url: dict[str, list[tuple[UUID, object]]] = {}
        pools = {run.work_pool_name for run in runs if run.work_pool_name}
        views = {name: view or self._ports.pools.view(name) for name in pools}
        for run in runs:
            view = views.get(run.work_pool_name or "")
            queue = view.queues.get(run.work_queue_name or "") if view else None
            if queue:
                by_url.setdefault(queue.url, []).append((run.id, _rung_for(run) + after))
        for url, rows in by_url.items():
            self._ports.queues.ring_many(url, rows, now)  # type: ignore[arg-type]

    def _room(self, limit: str) -> int:
        """How many more its limit lets start."""
        slots = self._ports.slots.read([limit]).get(limit)
        kind, _, name = limit.partition(":")
        if kind == "deployment":
            deployment = self._ports.deployments.read(UUID(name))
            if deployment is not None and deployment.paused:
                return 0
        return UNBOUNDED if slots is None else max(slots.maximum - len(slots.holders), 0)

    def _queues(self, limit: str) -> Iterator[tuple[PoolView, str]]:
        """The queues whose runs wait in a line, save those that are paused or gone."""
        views: dict[str, PoolView | None] = {}
        for pool, name in self._ports.runs.queues_in_line(limit, QUEUES):
            if pool not in views:
                views[pool] = self._ports.pools.view(pool)
            view = views[pool]
            queue = view.queues.get(name) if view else None
            if view and queue and not (view.pool.is_paused or queue.is_paused):
                yield view, name

    def _ready(self, view: PoolView, queue: str, limit: str, most: int) -> int:
        """How many of the first runs that stand in a queue want this limit, too, and will take it."""
        now = self._ports.clock()
        rows = self._ports.runs.lane(ready_lane(view.pool.name, queue), until=now, limit=most + BATCH)
        found = self._ports.runs.read_many([run for run, _ in rows]).values()
        runs = [run for run in found if may_need(run, limit)]
        facts = gather(self._ports, view, runs)
        return sum(judge(run, facts).answer in (Answer.START, Answer.STALE, Answer.WAIT) for run in runs)

    def _from(
        self,
        view: PoolView,
        queue: str,
        limit: str,
        room: int,
        most: int | None = None,
        until: datetime | None = None,
    ) -> list[Run]:
        """Promote from one queue's part of a line; who waits for another limit as well moves to its line.

        Where there is room for more than are promoted, they lead the others. Those that shall not run any more
        are dropped on the way: in a queue they would take the place of one that can start.
        """
        wanted = min(room, BATCH if most is None else most)
        leads = limit if room > wanted else None
        promoted: list[Run] = []
        after: str | None = None
        count = wanted
        for _ in range(PAGES):
            rows = self._ports.runs.line(limit, view.pool.name, queue, after=after, limit=count)
            runs = self._ports.runs.read_many([run for run, _ in rows])
            found = [runs[run] for run, _ in rows if run in runs]
            waiting = [run for run in found if _still_waits(run, limit, view.pool.name, queue)]
            moved = self._moved(view, waiting, limit, leads, wanted - len(promoted))
            promoted += moved
            if not rows or len(promoted) >= wanted or (until and self._ports.clock() >= until):
                break
            count = wanted - len(promoted) if moved else max(count, min(2 * count, SCAN))
            after = rows[-1][1]
        return promoted

    def _moved(
        self, view: PoolView, waiting: Sequence[Run], limit: str, leads: str | None, wanted: int
    ) -> list[Run]:
        """Those of a page that come into their queue, in order, at most so many."""
        promoted: list[Run] = []
        facts = gather(self._ports, view, waiting)
        for run in waiting:
            if len(promoted) >= wanted:
                break
            judgement = judge(run, facts)
            if judgement.answer in (Answer.SKIP, Answer.GONE):
                drop(self._ports, run, judgement)
                continue
            if judgement.answer is Answer.LINE and judgement.line == limit:
                continue
            line = judgement.line if judgement.answer is Answer.LINE else None
            moved = replace(run, line=line, leads=None if line else leads, updated=self._ports.clock())
            if self._ports.runs.tried(run, moved) and line is None:
                promoted.append(replace(moved, revision=run.revision + 1))
        return promoted


def _still_waits(run: Run, limit: str, pool: str, queue: str) -> bool:
    """Whether a run stands where the index says: in another pool or queue, others' rules are for it."""
    is_here = (run.line, run.work_pool_name, run.work_queue_name) == (limit, pool, queue)
    return is_here and run.state.type is StateType.SCHEDULED


def _rung_for(run: Run) -> datetime:
    """The time that a doorbell names: a worker that was told that a run is gone asks about later ones only.

    So that of a run that came back, or was made anew under its id, says that this is another wait.
    """
    return max(run.due, run.state.timestamp)
