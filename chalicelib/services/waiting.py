"""Runs that wait, and what becomes of them when their pool, queue or deployment goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from chalicelib.domain.deployments import Deployment
from chalicelib.domain.errors import Conflict, FieldProblem, Invalid, NotFound, WrongState
from chalicelib.domain.limits import deployment_limit, schedule_limit, tag_limit
from chalicelib.domain.names import stamp
from chalicelib.domain.pools import PoolView
from chalicelib.domain.runs import Run
from chalicelib.services.lines import Lines
from chalicelib.services.numbering import Raced, again
from chalicelib.services.pointing import every_deployment
from chalicelib.services.ports import Ports
from chalicelib.services.runs import Runs
from chalicelib.storage.run_lanes import line_lane, of_deployment, ready_lane
from headrace.contract.states import StateType

PAGE = 100
MANY = 1000
"""Runs that are read to see which are of a deployment. Of more it is found by the deployment's own list."""
NO_LINES = ("pool:", "queue:")
"""Limits for which runs wait in their queue."""
WITHIN = timedelta(seconds=15)
"""So long one request works through what waits; it is repeated for the rest, well before it would be cut off."""


@dataclass(frozen=True, slots=True)
class Fate:
    """Refuse (neither), cancel, or move: to `queue`, or `pool/queue`."""

    cancel: bool = False
    move_to: str | None = None


class Waiting:
    """Finds waiting runs, and settles what becomes of them."""

    def __init__(self, ports: Ports, lines: Lines, runs: Runs) -> None:
        self._ports = ports
        self._lines = lines
        self._runs = runs

    def in_pool(self, view: PoolView, due: datetime | None = None) -> Iterator[Run]:
        """Runs that wait in a pool, in its queues or in a limit's line; those due by then if that is said."""
        return self._in(view.pool.name, view.queues, f"{view.pool.name}/", due)

    def in_queue(self, pool: str, queue: str) -> Iterator[Run]:
        """Runs of one queue, that wait in it or in a limit's line."""
        found = self._in(pool, [queue], f"{pool}/{queue}#", None)
        return (run for run in found if run.work_queue_name == queue)

    def of_deployment(self, deployment: Deployment, due: datetime | None = None) -> Iterator[Run]:
        """Runs of a deployment that wait: in any queue of the pools where some may be, or in a line.

        They stand among those of others, and to read all of these would take too long where many wait.
        """
        found = self._read(self._beside(deployment, due))
        return (run for run in found if run.deployment_id == deployment.id)

    def _in(self, pool: str, queues: Iterable[str], part: str, due: datetime | None) -> Iterator[Run]:
        for queue in queues:
            yield from self._read(self._rows(ready_lane(pool, queue), "", due))
        for line in self.lines_of(pool):
            yield from self._read(self._rows(line_lane(line), part, due))

    def _beside(self, deployment: Deployment, due: datetime | None) -> list[UUID]:
        """What waits where runs of a deployment may wait; where that is much, those of the deployment alone."""
        own, overlap = deployment_limit(deployment.id), schedule_limit(deployment.id, "")
        lanes = [(line_lane(own), "")]
        views = [view for pool in deployment.pools if (view := self._ports.pools.view(pool))]
        lanes += [(ready_lane(view.pool.name, queue), "") for view in views for queue in view.queues]
        lines = [line for line in self._lines.limits() if line.startswith((tag_limit(""), overlap))]
        lanes += [(line_lane(line), f"{view.pool.name}/") for line in lines for view in views]
        ids = [run for lane, part in lanes for run in self._rows(lane, part, due)]
        if len(ids) > MANY:
            mine = self._ports.runs.whole_history(of_deployment(deployment.id))
            ids = [run for run in ids if run in mine]
        return ids

    def lines_of(self, pool: str) -> Iterator[str]:
        """In which lines a pool's runs may wait: limits', also lifted ones, and that of each paused deployment."""
        yield from (line for line in self._lines.limits() if not line.startswith(NO_LINES))
        for one in every_deployment(self._ports):
            if one.paused and one.concurrency_limit is None and pool in one.pools:
                yield deployment_limit(one.id)

    def _rows(self, lane: str, part: str, due: datetime | None) -> Iterator[UUID]:
        last = stamp(due) if due else "~"
        for run, place in self._ports.runs.whole_lane(lane, part):
            if place.rsplit("#", 2)[-2] <= last:
                yield run

    def _read(self, ids: Iterable[UUID]) -> Iterator[Run]:
        rest = iter(ids)
        while page := list(islice(rest, PAGE)):
            yield from self._ports.runs.read_many(page).values()

    def settle(
        self,
        what: str,
        waiting: Iterable[Run],
        fate: Fate,
        *,
        pool: str | None = None,
        queue: str | None = None,
        until: datetime | None = None,
    ) -> None:
        """Do what is asked with every waiting run. Raises `Conflict` if nothing is asked and one waits.

        Where there are too many for one request it raises `Conflict` (`unfinished`): the same call goes on.
        Each settles at least one, also after `until`.

        `pool` (or its `queue` alone) is what goes: runs cannot be moved there, and a bare name means
        another queue of the same pool. Without a pool it is a deployment, whose runs cannot be moved.
        """
        target = self._target(fate.move_to, pool if queue else None) if fate.move_to else None
        if target and target[0] == pool and queue in (None, target[1]):
            problem = FieldProblem("query.move_to", f"{fate.move_to!r} goes too", "a queue that stays")
            raise Invalid(f"{what} cannot take its own runs.", errors=[problem])
        until = until or self.deadline()
        settled: list[Run] = []
        more = False
        for run in waiting:
            if not fate.cancel and target is None:
                raise Conflict(
                    f"{what} has runs that wait, among them {run.name!r}.",
                    code="runs_waiting",
                    hint="Say --cancel-runs, or --move-to another queue." if pool else "Say --cancel-runs.",
                )
            settled += [run] if self._settle(run, target, what) else []
            if more := self._ports.clock() > until:
                break
        if target is None:
            self._lines.leave(*settled)  # in the end: what follows them may have to be settled, too
        if more:
            raise unfinished(what, len(settled), "moved" if target else "cancelled")

    def end_active(self, what: str, active: Iterable[Run], fate: Fate, until: datetime, hint: str) -> None:
        """Cancel what workers hold, if that is asked. Raises `Conflict` if it is not and one is held.

        Those that are being cancelled already are not waited for. After `until` it is `unfinished`.
        """
        count = 0
        for run in active:
            if not fate.cancel:
                text = f"{what} has runs that are going, among them {run.name!r}."
                raise Conflict(text, code="runs_active", hint=hint)
            if run.state.type is StateType.CANCELLING:
                continue
            count += self._cancel(run, f"{what} was deleted.")
            if self._ports.clock() > until:
                raise unfinished(what, count, "cancelled")

    def deadline(self) -> datetime:
        """Until when a request that begins now works."""
        return self._ports.clock() + WITHIN

    def _settle(self, run: Run, target: tuple[str, str] | None, what: str) -> bool:
        if target is None:
            return self._cancel(run, f"{what} was deleted.")
        if run.deployment_id and target[0] != run.work_pool_name:
            self._note_pool(run.deployment_id, target[0])

        def how(now: Run) -> Run | None:
            if now.state.type is not StateType.SCHEDULED:
                return None
            return replace(now, work_pool_name=target[0], work_queue_name=target[1])

        try:
            after = self._ports.runs.change(run.id, how)[1]
        except NotFound:
            return False  # somebody deleted it meanwhile
        self._lines.ring([after])
        return True

    def _note_pool(self, deployment_id: UUID, pool: str) -> None:
        """Before a run is moved to a pool its deployment knows of that: it looks for its runs in no others."""

        def change() -> None:
            found = self._ports.deployments.read(deployment_id)
            if found is None or pool in found.pools:
                return
            other_pools = (*found.other_pools, pool)
            after = replace(found, other_pools=other_pools, revision=found.revision + 1)
            if not self._ports.deployments.write(after, found, []):
                raise Raced

        again(change)

    def _cancel(self, run: Run, reason: str) -> bool:
        try:
            self._runs.cancel(run.id, reason)
        except (WrongState, NotFound):
            return False
        return True

    def _target(self, text: str, same_pool: str | None) -> tuple[str, str]:
        first, slash, rest = text.partition("/")
        pool, queue = (first, rest or "default") if slash or same_pool is None else (same_pool, first)
        view = self._ports.pools.view(pool)
        if view is None or queue not in view.queues:
            raise NotFound(f"There is no queue {queue!r} in a pool {pool!r} to move runs to.")
        return pool, queue


def unfinished(what: str, count: int, done: str) -> Conflict:
    """The error where one request does not get through: the next goes on."""
    return Conflict(
        f"{what} has more runs; {count} were {done}.",
        code="unfinished",
        hint="Send the same request again: it goes on with the rest.",
    )
