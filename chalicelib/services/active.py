"""The runs that go on now: those of a pool that a worker holds, and those without a pool.

RUNNING and CANCELLING ones are found by their lane, PENDING ones by the held sets of the pool's sessions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chalicelib.domain.pools import Session
from chalicelib.domain.runs import Run
from chalicelib.services.pages import each
from chalicelib.services.ports import Ports
from chalicelib.storage.run_lanes import active_lane

PAGE = 100


def active_runs(ports: Ports, pool: str, most: int | None = None) -> Iterator[Run]:
    """Runs of a pool in PENDING, RUNNING or CANCELLING, each once; of the lane the `most` oldest."""
    ids = [session for _, session in ports.sessions.open_ids(pool)]
    held = {run for session in ports.sessions.read_many(ids) for run in session.held}
    seen = set()
    for run in _in_lane(ports, pool, most):
        seen.add(run.id)
        yield run
    for run in ports.runs.read_many(sorted(held - seen)).values():
        if run.is_held and run.work_pool_name == pool:
            yield run


def active_anywhere(ports: Ports) -> Iterator[Run]:
    """Runs of all pools and of none in PENDING, RUNNING or CANCELLING."""
    yield from (run for run in _in_lane(ports, "") if run.is_held)
    yield from active_in_pools(ports)


def active_in_pools(ports: Ports) -> Iterator[Run]:
    """Those of all pools: the runs that workers hold."""
    for name in each(lambda after: ports.pools.names(after, PAGE)):
        yield from active_runs(ports, name)


def _in_lane(ports: Ports, pool: str, most: int | None = None) -> Iterator[Run]:
    after: str | None = None
    count = 0
    while True:
        rows = ports.runs.lane(active_lane(pool), after=after, limit=min(PAGE, most or PAGE))
        found = ports.runs.read_many([identity for identity, _ in rows]).values()
        yield from found
        count += len(found)
        if len(rows) < PAGE or (most is not None and count >= most):
            return
        after = rows[-1][1]


def free_slots(ports: Ports, sessions: Sequence[Session]) -> int:
    """Slots of these sessions that hold no run.

    What a session's set names may be over: it is written anew with its next lease only. So where the sets say
    that a session is full, its runs are asked.
    """
    full = [session for session in sessions if len(session.held) >= session.slots]
    named = {run for session in full for run in session.held}
    runs = ports.runs.read_many(sorted(named), consistent=False) if named else {}
    held = {run.id for run in runs.values() if run.is_held}
    free = 0
    for session in sessions:
        taken = session.held & held if session in full else session.held
        free += max(session.slots - len(taken), 0)
    return free
