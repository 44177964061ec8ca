"""Why is this run not running? One sentence, from the same judgement that claims."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from shlex import quote
from uuid import UUID

from chalicelib.domain.eligibility import EARLY, NOT_RUN, Answer, Facts, judge
from chalicelib.domain.pools import Session
from chalicelib.domain.runs import Run
from chalicelib.services.active import free_slots
from chalicelib.services.facts import gather
from chalicelib.services.grants import Grants
from chalicelib.services.ports import Ports
from chalicelib.services.workers import Workers
from chalicelib.storage.run_lanes import ready_lane
from headrace.contract.states import StateType

MOST = 1000
"""Runs before one that are counted."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The sentence, a code for programs, and what to do about it where something can be done."""

    code: str
    reason: str
    hint: str | None = None


class Why:
    """Explains where a run stands."""

    def __init__(self, ports: Ports, workers: Workers) -> None:
        self._ports = ports
        self._workers = workers

    def why(self, run_id: UUID) -> Explanation:
        """The reason why a run is not running (or what it does); raises `NotFound`."""
        run = self._ports.runs.require(run_id)
        if run.state.type is not StateType.SCHEDULED:
            return self._not_waiting(run)
        view = self._ports.pools.view(run.work_pool_name) if run.work_pool_name else None
        facts = gather(self._ports, view, [run])
        judgement = judge(run, facts)
        if judgement.answer is Answer.START:
            return self._for_want_of_a_worker(run)
        if judgement.holders:
            holders = self._ports.runs.read_many(judgement.holders, consistent=False)
            judgement = judge(run, replace(facts, names={one.id: one.name for one in holders.values()}))
        elif _is_paused(run, facts) and judgement.answer is Answer.LINE and not self._live(run):
            nobody = "No worker is online for its queue: start one, or the program that serves it."
            return Explanation(judgement.answer.value, judgement.reason, f"{nobody} {judgement.hint}")
        return Explanation(judgement.answer.value, judgement.reason, judgement.hint)

    def _live(self, run: Run) -> list[Session]:
        """The workers online for its queue."""
        live = self._workers.live_sessions(run.work_pool_name or "")
        return [session for session in live if session.serves(run.work_queue_name or "")]

    def _not_waiting(self, run: Run) -> Explanation:
        now = self._ports.clock()
        seconds = max((now - run.state.timestamp).total_seconds(), 0)
        if run.state.type is StateType.PENDING:
            by = f" by worker {run.worker_name!r}" if run.worker_name else ""
            return Explanation("offered", f"It was taken{by} {seconds:.0f} s ago, which now prepares it.")
        if run.is_held:
            on = f" on worker {run.worker_name!r}" if run.worker_name else ""
            text = f"{run.state.name}{on} for {seconds:.0f} s"
            return Explanation("held", f"{text}{self._overtime(run, seconds)}.")
        message = (run.state.message or "").removeprefix(NOT_RUN)
        code = "over" if run.is_terminal else "paused"
        text = f"It is {run.state.name}{f': {message}' if message else '.'}"
        return Explanation(code, text, _remedy(run))

    def _overtime(self, run: Run, seconds: float) -> str:
        """Of a run that goes on after its time, as far as its deployment or its job variables say how long that is."""
        pool = self._ports.pools.pool(run.work_pool_name) if run.work_pool_name else None
        if run.state.type is not StateType.RUNNING or pool is None:
            return ""
        deployment = Grants(self._ports, pool).of([run], {})[0].deployment
        variables = {**(deployment.job_variables if deployment else {}), **run.job_variables}
        wanted = (deployment.timeout_seconds if deployment else None, variables.get("timeout"))
        limits = [limit for limit in wanted if isinstance(limit, int | float)]
        if not limits or seconds <= min(limits):
            return ""
        return f"; its {min(limits):g} s are over, and its worker is ending it"

    def _for_want_of_a_worker(self, run: Run) -> Explanation:
        pool, queue = run.work_pool_name or "", run.work_queue_name or ""
        online = self._live(run)
        live = [session for session in online if session.slots]
        if not live:
            text = f"No worker is online for queue {queue!r} of pool {pool!r}{self._since(pool)}."
            if online:
                text = f"No worker takes runs of queue {queue!r} any more: {_leaving(online)}."
            return Explanation("no_worker", text, f"Start one: headrace worker start --pool {quote(pool)}")
        place = self._place_in_line(run, run.line) if run.line else _before(self._ahead(run))
        if not free_slots(self._ports, live):
            slots = sum(session.slots for session in live)
            text = f"All {slots} slots of {_workers(live)} are taken; {place}."
            return Explanation("busy", text, "Start a worker more, or one with a higher --limit.")
        if run.line:
            return Explanation("ready", f"It can start: {place}.")
        seconds = max((self._ports.clock() - max(run.due, run.updated)).total_seconds(), 0)
        offered = f"it was offered to {_workers(live)} {seconds:.0f} s ago"
        return Explanation("ready", f"It can start: {offered}; {place}.")

    def _place_in_line(self, run: Run, limit: str) -> str:
        """Of a run that nothing holds back any more, and that was not promoted yet."""
        kind, _, name = limit.partition(":")
        name = run.deployment_name or name if kind == "deployment" else name
        pool, queue = run.work_pool_name or "", run.work_queue_name or ""
        ahead = _index(run, self._ports.runs.line(limit, pool, queue, limit=MOST))
        text = f"it is still in the line of {kind} {name!r}, which is being emptied"
        return f"{text}; {_before(ahead, 'line')}"

    def _ahead(self, run: Run) -> int:
        lane = ready_lane(run.work_pool_name or "", run.work_queue_name or "")
        rows = self._ports.runs.lane(lane, until=self._ports.clock() + EARLY, limit=MOST)
        return _index(run, rows)

    def _since(self, pool: str) -> str:
        seen = []
        after: str | None = None
        while True:
            found, after = self._workers.of_pool(pool, after, 100)
            seen += [session.renewed for _, session in found if session and session.renewed]
            if after is None:
                break
        return f" since {max(seen):%Y-%m-%d %H:%M:%S UTC}" if seen else ""


def _remedy(run: Run) -> str | None:
    """What its error says to do, and where the whole of it is."""
    if not run.is_terminal or not run.error:
        return None
    whole = f"See its traceback: headrace flow-run inspect {run.id}" if run.error.get("traceback") else None
    return " ".join(str(part) for part in (run.error.get("hint"), whole) if part) or None


def _is_paused(run: Run, facts: Facts) -> bool:
    deployment = facts.deployments.get(run.deployment_id) if run.deployment_id else None
    return deployment is not None and deployment.paused


def _index(run: Run, rows: Sequence[tuple[UUID, str]]) -> int:
    return next((index for index, row in enumerate(rows) if row[0] == run.id), len(rows))


def _before(ahead: int, what: str = "queue") -> str:
    if not ahead:
        return f"it is the next of its {what}"
    return f"{ahead} other {f'run of its {what} comes' if ahead == 1 else f'runs of its {what} come'} first"


def _leaving(sessions: list[Session]) -> str:
    return f"{_workers(sessions)} {'is' if len(sessions) == 1 else 'are'} about to leave"


def _workers(sessions: list[Session]) -> str:
    names = ", ".join(sorted(repr(session.worker_name) for session in sessions)[:3])
    return f"worker {names}" if len(sessions) == 1 else f"workers {names}"
