"""Lists of runs: each served by one index within a bounded read, or refused with the reason.

By id; those that go on now (by lane, and the sets that sessions hold); runs of deployments or flows (by
history); all runs (by day). Whatever else a filter says is checked on the rows read. A page may be short of its limit;
the cursor tells whether more may follow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from chalicelib.domain.eligibility import EARLY
from chalicelib.domain.errors import FieldProblem, Invalid
from chalicelib.domain.names import flow_id, stamp
from chalicelib.domain.runs import Run
from chalicelib.domain.shown_runs import place, shown_name
from chalicelib.domain.transitions import HELD
from chalicelib.services.active import active_anywhere, active_runs
from chalicelib.services.ports import Ports
from chalicelib.storage.documents import beyond
from chalicelib.storage.run_lanes import of_deployment, of_flow, ready_lane
from headrace.contract.states import StateType

LOOKED_AT = 1000
"""Runs that one page reads for those that its filter lets through."""
MOST_AT_ONCE = 100
"""Rows read at once: as many as are wanted, and twice as many each time a filter leaves some of them out."""
DAYS = 62
"""Days that one page looks into."""
NOWHERE = UUID(int=0)
"""Stands for no run: the list goes on at this place, on another page."""
_DAWN = f"T00:00:00.000000Z#{NOWHERE}"
_DUSK = f"T23:59:59.999999Z#{UUID(int=2**128 - 1)}"
OWNERS = 30
"""Deployments and flows that one list merges."""


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Which runs. Empty members let everything through."""

    limit: int
    after: str | None = None
    skip: int = 0
    forward: bool = False
    ids: Sequence[UUID] | None = None
    deployments: Sequence[UUID] | None = None
    deployment_names: Sequence[str] | None = None
    flow_names: Sequence[str] | None = None
    flow_ids: Sequence[UUID] | None = None
    names: Sequence[str] | None = None
    states: frozenset[StateType] | None = None
    not_states: frozenset[StateType] = frozenset()
    state_names: Sequence[str] | None = None
    tags_all: Sequence[str] = ()
    tags_any: Sequence[str] = ()
    pools: Sequence[str] | None = None
    queues: Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    now: datetime | None = field(default=None)

    def wants(self, run: Run) -> bool:
        """Whether the filter lets this run through."""
        return all(test(self, run) for test in _TESTS)


class RunLists:
    """Pages of runs."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def page(self, query: RunQuery) -> tuple[list[Run], str | None]:
        """A page in the order asked, and where to go on (None at the end).

        Runs named by id are read consistently. All others are found by an index, which may lag behind a change
        by a moment, so they are read at half the price and may lag as well: a single run is asked for by id.
        """
        if query.ids is not None:
            found = self._ports.runs.read_many(query.ids)
            return _cut(found.values(), query)
        if query.states and query.states <= HELD:
            return _cut(self._going_on(query), query)
        return self._searched(query)

    def _searched(self, query: RunQuery) -> tuple[list[Run], str | None]:
        """A page of what an index gives in the order asked, and the filter lets through."""
        found_rows: list[Run] = []
        looked = 0
        last: str | None = None
        for batch in self._batches(query):
            runs = self._ports.runs.read_many([run for run, _ in batch], consistent=False)
            for run_id, at in batch:
                if run_id == NOWHERE:
                    return found_rows[query.skip :], at
                last, looked = at, looked + 1
                run = runs.get(run_id)
                if run is not None and query.wants(run):
                    found_rows.append(run)
                if len(found_rows) == query.skip + query.limit:
                    return found_rows[query.skip :], last
            if looked >= LOOKED_AT:
                return found_rows[query.skip :], last
        return found_rows[query.skip :], None

    def waiting(self, pool: str, queues: Sequence[str], before: datetime | None, limit: int) -> list[Run]:
        """Runs that wait in queues of a pool, in the order in which they are claimed."""
        view = self._ports.pools.view(pool)
        until = before + EARLY if before else None
        rows: list[Run] = []
        for group in view.by_priority() if view else ():
            wanted = [queue.name for queue in group if not queues or queue.name in queues]
            pages = [
                self._ports.runs.lane(ready_lane(pool, name), until=until, limit=limit - len(rows))
                for name in wanted
            ]
            merged = sorted((row for page in pages for row in page), key=lambda row: row[1])
            ids = [run for run, _ in merged[: limit - len(rows)]]
            rows += self._ports.runs.read_many(ids, consistent=False).values()
            if len(rows) >= limit:
                break
        return rows

    def _going_on(self, query: RunQuery) -> Iterator[Run]:
        """All that goes on, in no order: never more than there are slots, however long the history is."""
        if query.pools is None:
            yield from active_anywhere(self._ports)
        for pool in dict.fromkeys(query.pools or ()):
            yield from active_runs(self._ports, pool)

    def _batches(self, query: RunQuery) -> Iterator[list[tuple[UUID, str]]]:
        owners = self._owners(query)
        if owners is not None:
            yield from self._from_owners(query, owners)
        else:
            yield from self._from_days(query)

    def _owners(self, query: RunQuery) -> list[str] | None:
        """Whose histories to merge, or None for all runs."""
        if query.deployments is not None:
            owners = [of_deployment(deployment) for deployment in query.deployments]
        elif query.flow_names is not None:
            owners = [owner for name in query.flow_names for owner in self._of_flow(name)]
        elif query.flow_ids is not None:
            flows = self._ports.deployments.flows(query.flow_ids)
            owners = [owner for flow in flows for owner in self._of_flow(flow.name)]
        else:
            return None
        if len(owners) > OWNERS:
            problem = FieldProblem("flow_runs", f"names {len(owners)} deployments", f"at most {OWNERS}")
            raise Invalid("No index serves this filter within a bounded read.", errors=[problem])
        return owners

    def _of_flow(self, name: str) -> list[str]:
        rows, _ = self._ports.deployments.names(None, OWNERS + 1, f"{name}/")
        return [*(of_deployment(identity) for identity, _ in rows), of_flow(flow_id(name))]

    def _from_owners(self, query: RunQuery, owners: Sequence[str]) -> Iterator[list[tuple[UUID, str]]]:
        low, high = self._bounds(query)
        size = min(query.skip + query.limit, MOST_AT_ONCE)
        while True:
            rows = [
                row
                for owner in owners
                for row in self._ports.runs.history(
                    owner, low=low, high=high, forward=query.forward, limit=size
                )
            ]
            rows.sort(key=lambda row: row[1], reverse=not query.forward)
            if not rows:
                return
            yield rows[:size]
            if len(rows) < size:
                return
            low, high = beyond(rows[:size][-1][1], low, high, query.forward)
            size = min(2 * size, MOST_AT_ONCE)

    def _from_days(self, query: RunQuery) -> Iterator[list[tuple[UUID, str]]]:
        low, high = self._bounds(query)
        days = self._ports.runs.days(
            low=low[:10], high=f"{high[:10]}~", forward=query.forward, limit=DAYS + 1
        )
        size = min(query.skip + query.limit, MOST_AT_ONCE)
        for day in days[:DAYS]:
            day_low, day_high = low, high
            while True:
                rows = self._ports.runs.day(
                    day, low=day_low, high=day_high, forward=query.forward, limit=size
                )
                if rows:
                    yield rows
                if len(rows) < size:
                    break
                day_low, day_high = beyond(rows[-1][1], day_low, day_high, query.forward)
                size = min(2 * size, MOST_AT_ONCE)
        if len(days) > DAYS:
            yield [(NOWHERE, f"{days[DAYS]}{_DAWN if query.forward else _DUSK}")]

    def _bounds(self, query: RunQuery) -> tuple[str, str]:
        low = stamp(query.since) if query.since else " "
        high = f"{stamp(query.until)}~" if query.until else "~"
        return beyond(query.after, low, high, query.forward) if query.after else (low, high)


def _cut(runs: Iterable[Run], query: RunQuery) -> tuple[list[Run], str | None]:
    """The page of runs that were all read."""
    rows = sorted(filter(query.wants, runs), key=place, reverse=not query.forward)
    rows = [run for run in rows if _is_beyond(place(run), query)][query.skip :]
    page = rows[: query.limit]
    return page, place(page[-1]) if len(rows) > len(page) else None


def _is_beyond(at: str, query: RunQuery) -> bool:
    return query.after is None or (at > query.after if query.forward else at < query.after)


_TESTS: tuple[Callable[[RunQuery, Run], bool], ...] = (
    lambda query, run: query.names is None or run.name in query.names,
    lambda query, run: query.states is None or run.state.type in query.states,
    lambda query, run: run.state.type not in query.not_states,
    lambda query, run: (
        query.state_names is None
        or (shown_name(run, query.now) if query.now else run.state.name) in query.state_names
    ),
    lambda query, run: set(query.tags_all) <= set(run.tags),
    lambda query, run: not query.tags_any or bool(set(query.tags_any) & set(run.tags)),
    lambda query, run: query.pools is None or run.work_pool_name in query.pools,
    lambda query, run: query.queues is None or run.work_queue_name in query.queues,
    lambda query, run: query.deployments is None or run.deployment_id in query.deployments,
    lambda query, run: query.deployment_names is None or run.deployment_name in query.deployment_names,
    lambda query, run: query.flow_names is None or run.flow_name in query.flow_names,
    lambda query, run: query.flow_ids is None or run.flow_id in query.flow_ids,
    lambda query, run: query.since is None or run.listed_at >= query.since,
    lambda query, run: query.until is None or run.listed_at <= query.until,
)
