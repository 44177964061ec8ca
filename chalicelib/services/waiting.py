"""Runs that wait, and what becomes of them when their pool, queue or deployment goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from chalicelib.domain.errors import Conflict, FieldProblem, Invalid, NotFound, WrongState
from chalicelib.domain.limits import deployment_limit
from chalicelib.domain.runs import Run
from chalicelib.services.lines import Lines
from chalicelib.services.numbering import Raced, again
from chalicelib.services.ports import Ports
from chalicelib.services.runs import Runs
from chalicelib.storage.run_lanes import line_lane
from headrace.contract.states import StateType

PAGE = 100
WITHIN = timedelta(seconds=15)
"""So long one request works through what waits; it is repeated for the rest, well before it would be cut off."""


@dataclass(frozen=True, slots=True)
class Fate:
    """Refuse (neither), cancel, or move: to `queue`, or `pool/queue`."""

    cancel: bool = False
    move_to: str | None = None


class Waiting:
    """Finds waiting runs by lane, and settles what becomes of them."""

    def __init__(self, ports: Ports, lines: Lines, use_cases: Runs) -> None:
        self._ports = ports
        self._lines = lines
        self._runs = use_cases

    def in_lanes(self, lanes: Iterable[str], pool: str | None, queue: str | None = None) -> Iterator[Run]:
        """Runs waiting in these lanes, and those of the pool (and queue; None: of any) that wait in a limit's line."""
        yield from self.in_bare_lanes(lanes)
        for line in self._lines_with_runs():
            for run in self._all(line_lane(line)):
                if pool in (None, run.work_pool_name) and queue in (None, run.work_queue_name):
                    yield run

    def in_bare_lanes(self, lanes: Iterable[str]) -> Iterator[Run]:
        """Runs waiting in these lanes alone."""
        for lane in lanes:
            yield from self._all(lane)

    def _lines_with_runs(self) -> Iterator[str]:
        """Every limit's line, also of one just lifted, and that of every paused deployment: it sends runs there."""
        yield from self._lines.limits()
        after: str | None = None
        while True:
            rows, more = self._ports.deployments.names(after, PAGE)
            found = self._ports.deployments.read_many([identity for identity, _ in rows]).values()
            paused = (one for one in found if one.paused and one.concurrency_limit is None)
            yield from (deployment_limit(one.id) for one in paused)
            if not more:
                return
            after = rows[-1][1]

    def settle(
        self,
        what: str,
        waiting: Iterable[Run],
        fate: Fate,
        *,
        pool: str | None = None,
        queue: str | None = None,
    ) -> int:
        """Do what is asked with every waiting run; how many. Raises `Conflict` if nothing is asked and one waits.

        Where there are too many for one request it raises `Conflict` (`unfinished`): the same call goes on.

        `pool` (or its `queue` alone) is what goes: runs cannot be moved there, and a bare name means
        another queue of the same pool. Without a pool it is a deployment, whose runs cannot be moved.
        """
        target = self._target(fate.move_to, pool if queue else None) if fate.move_to else None
        if target and target[0] == pool and queue in (None, target[1]):
            problem = FieldProblem("query.move_to", f"{fate.move_to!r} goes too", "a queue that stays")
            raise Invalid(f"{what} cannot take its own runs.", errors=[problem])
        count, begun = 0, self._ports.clock()
        for run in waiting:
            if not fate.cancel and target is None:
                raise Conflict(
                    f"{what} has runs that wait, among them {run.name!r}.",
                    code="runs_waiting",
                    hint="Say --cancel-runs, or --move-to another queue." if pool else "Say --cancel-runs.",
                )
            count += self._settle(run, target, what)
            if count and self._ports.clock() - begun > WITHIN:
                raise unfinished(what, count, "moved" if target else "cancelled")
        return count

    def end_active(self, what: str, active: Iterable[Run], fate: Fate, hint: str) -> None:
        """Cancel what workers hold, if that is asked. Raises `Conflict` if it is not and one is held."""
        for run in active:
            if not fate.cancel:
                text = f"{what} has runs that are going, among them {run.name!r}."
                raise Conflict(text, code="runs_active", hint=hint)
            self._cancel(run, f"{what} was deleted.")

    def _settle(self, run: Run, target: tuple[str, str] | None, what: str) -> bool:
        if target is None:
            return self._cancel(run, f"{what} was deleted.")
        if run.deployment_id and target[0] != run.work_pool_name:
            self._note_pool(run.deployment_id, target[0])

        def how(now: Run) -> Run | None:
            if now.state.type is not StateType.SCHEDULED:
                return None
            return replace(now, work_pool_name=target[0], work_queue_name=target[1])

        after = self._ports.runs.change(run.id, how)[1]
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
        except WrongState:
            return False
        return True

    def _target(self, text: str, same_pool: str | None) -> tuple[str, str]:
        first, slash, rest = text.partition("/")
        pool, queue = (first, rest or "default") if slash or same_pool is None else (same_pool, first)
        view = self._ports.pools.view(pool)
        if view is None or queue not in view.queues:
            raise NotFound(f"There is no queue {queue!r} in a pool {pool!r} to move runs to.")
        return pool, queue

    def _all(self, lane: str) -> Iterator[Run]:
        after: str | None = None
        while True:
            rows = self._ports.runs.lane(lane, after=after, limit=PAGE)
            yield from self._ports.runs.read_many([run for run, _ in rows]).values()
            if len(rows) < PAGE:
                return
            after = rows[-1][1]


def unfinished(what: str, count: int, done: str) -> Conflict:
    """The error where one request does not get through: the next goes on."""
    return Conflict(
        f"{what} has more runs that wait; {count} were {done}.",
        code="unfinished",
        hint="Send the same request again: it goes on with the rest.",
    )
