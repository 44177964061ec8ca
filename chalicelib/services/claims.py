"""The claim: which runs of a pool start next. The only place that moves a run from SCHEDULED to PENDING.

Queue priority, then due time, then id, over all queues of the pool that the session serves. The
candidates are the rung runs (read consistently, since an index may lag) and the ready lanes. Choosing
reads; taking writes, one conditional write a run, with the slots of its limits in one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from chalicelib.domain import runs
from chalicelib.domain.deployments import Deployment
from chalicelib.domain.eligibility import EARLY, Answer, Facts, Judgement, judge
from chalicelib.domain.errors import NotFound, WrongState
from chalicelib.domain.pools import PoolView, Session, WorkQueue
from chalicelib.domain.runs import Run
from chalicelib.domain.transitions import Cause
from chalicelib.services.facts import gather
from chalicelib.services.lines import Lines
from chalicelib.services.ports import Ports
from chalicelib.services.runs import Runs
from chalicelib.storage.runs import lane_place, ready_lane
from chalicelib.storage.seam import Busy
from headrace.contract.states import StateName, StateType

Pages = dict[str, list[tuple[UUID, str]]]
SPARE = 10
"""Candidates read beyond what is wanted: some are lost to others, some turn out to be blocked."""
TRIES = 4
"""Of one claim, where others' transactions at the same items are in its way."""
PAUSE = 0.06
"""Seconds between them at most, rising with each; the dice say how much of it."""
ROUNDS = 12
"""Pages of one queue that one claim reads: bounds its time where many blocked runs stand in front."""


@dataclass(frozen=True, slots=True)
class Row:
    """A candidate: its place in the queue, and the run itself if it was read already."""

    place: str
    id: UUID
    run: Run | None = None


@dataclass
class Choice:
    """Runs that may start, in order, and what became of every run that was looked at."""

    chosen: list[tuple[Run, Judgement]] = field(default_factory=list)
    seen: dict[UUID, Answer] = field(default_factory=dict)
    deployments: dict[UUID, Deployment] = field(default_factory=dict)
    pages: Pages = field(default_factory=dict)
    lost: set[UUID] = field(default_factory=set)


class Claims:
    """Chooses and takes."""

    def __init__(self, ports: Ports, lines: Lines, use_cases: Runs) -> None:
        self._ports = ports
        self._lines = lines
        self._runs = use_cases

    def waiting(self, session: Session, want: int) -> Pages:
        """The first page of each queue that the session serves: whether there is anything to choose from."""
        if want <= 0:
            return {}
        pool = session.work_pool_name
        return {queue: self._page(pool, queue, None, want + SPARE) for queue in session.queues}

    def choose(
        self, session: Session, view: PoolView, want: int, hints: Sequence[Run], pages: Pages | None = None
    ) -> Choice:
        """The best runs that may start now, at most `want`. Blocked ones met on the way go into their lines.

        `pages` are first pages read before, for this `want`.
        """
        choice = Choice(pages=dict(pages or {}))
        by_queue: dict[str | None, list[Run]] = {}
        for run in hints:
            queue_name = run.work_queue_name if run.work_pool_name == view.pool.name else None
            by_queue.setdefault(queue_name, []).append(run)
        for queue in view.in_order():
            if session.serves(queue.name):
                self._from_queue(choice, view, queue, want, by_queue.pop(queue.name, []))
        for rest in by_queue.values():
            for run in rest:
                choice.seen.setdefault(run.id, self._elsewhere(run, view))
        return choice

    def take(self, session: Session, choice: Choice, until: datetime) -> list[Run]:
        """Claim what was chosen. A run lost to another, or a limit filled meanwhile, is left out.

        `until` is the latest moment at which a claim may be written: past it the worker may have given
        up on the answer and its lease on life. Why a claim was lost is not known, so a run whose doorbell
        was asked about is answered as one that could start: the next to ask is told how it stands.
        """
        granted = []
        for run, judgement in choice.chosen:
            now = self._ports.clock()
            if now >= until:
                break
            try:
                current = self._in_force(run, choice)
                after = runs.claimed(current, session.id, session.worker_name, judgement.slots, now)
            except WrongState:
                continue
            if self._claim(run, after, until):
                granted.append(replace(after, revision=run.revision + 1))
            else:
                choice.lost.add(run.id)
        self._ports.measure("Seconds", {"claim_latency": [self._waited(run) for run in granted]})
        return granted

    def _claim(self, run: Run, after: Run, until: datetime) -> bool:
        """One claim. Somebody else's transaction at the same limit has not taken its last slot: try again, soon."""
        for attempt in range(TRIES):
            if attempt:
                self._ports.pause(self._ports.dice() * PAUSE * attempt)
                if self._ports.clock() >= until:
                    return False
            try:
                return self._ports.runs.write(run, after)
            except Busy:
                continue  # nothing was written, and nothing is known of who is faster
        return False

    def _waited(self, run: Run) -> float:
        """Seconds from when it was due to its claim."""
        return max((run.state.timestamp - run.due).total_seconds(), 0.0)

    def _in_force(self, run: Run, choice: Choice) -> Run:
        """The run under the version of its deployment that this claim was judged by, unless it has its own."""
        found = choice.deployments.get(run.deployment_id) if run.deployment_id else None
        return runs.of_version(run, found.version, found.version_number) if found else run

    def _from_queue(
        self, choice: Choice, view: PoolView, queue: WorkQueue, want: int, hints: list[Run]
    ) -> None:
        if view.pool.is_paused or queue.is_paused:
            choice.seen |= {run.id: Answer.WAIT for run in hints}
            return
        after: str | None = None
        for _ in range(ROUNDS):
            missing = want - len(choice.chosen)
            page = self._next_page(choice, queue, after, missing)
            rows = _in_order(hints, [row for row in page if row[0] not in choice.seen])
            hints = []
            if not self._judge_rows(choice, view, rows, want):
                return
            if len(page) < missing + SPARE or len(choice.chosen) >= want:
                return
            after = page[-1][1]

    def _judge_rows(self, choice: Choice, view: PoolView, rows: list[Row], want: int) -> bool:
        """Judge as many as are wanted at a time, so that no more is read than needed. False: nothing more can start."""
        while rows:
            missing = want - len(choice.chosen)
            if missing <= 0:
                rows = [row for row in rows if row.run is not None]
            part, rows = rows[: max(missing, 1)], rows[max(missing, 1) :]
            found = self._ports.runs.read_many((row.id for row in part if row.run is None), consistent=False)
            batch = [run for row in part if (run := row.run or found.get(row.id))]
            if batch and not self._judge_all(choice, view, batch, want):
                for row in rows:
                    if row.run is not None:
                        choice.seen.setdefault(row.id, Answer.WAIT)
                return False
        return True

    def _next_page(
        self, choice: Choice, queue: WorkQueue, after: str | None, missing: int
    ) -> list[tuple[UUID, str]]:
        if missing <= 0:
            return []
        if after is None and queue.name in choice.pages:
            return choice.pages.pop(queue.name)
        return self._page(queue.work_pool_name, queue.name, after, missing + SPARE)

    def _page(self, pool: str, queue: str, after: str | None, limit: int) -> list[tuple[UUID, str]]:
        lane = ready_lane(pool, queue)
        return self._ports.runs.lane(lane, until=self._ports.clock() + EARLY, after=after, limit=limit)

    def _judge_all(self, choice: Choice, view: PoolView, batch: list[Run], want: int) -> bool:
        """Judge a batch of one queue. False if nothing more of this queue can start now."""
        facts = gather(self._ports, view, batch)
        choice.deployments |= facts.deployments
        for run in batch:
            judgement = judge(run, self._with_chosen(facts, choice))
            if self._gives_way(choice, judgement, run):
                judgement = judge(run, self._with_chosen(facts, choice))
            answer = judgement.answer
            if answer is Answer.START and len(choice.chosen) >= want:
                choice.seen[run.id] = Answer.START
                continue
            choice.seen[run.id] = answer
            if answer is Answer.START:
                choice.chosen.append((run, judgement))
            elif answer is Answer.WAIT and run.due <= facts.now + EARLY:
                return self._rest_waits(choice, batch)
            else:
                self._put_away(run, judgement)
        return True

    def _gives_way(self, choice: Choice, judgement: Judgement, run: Run) -> bool:
        """Runs chosen a moment ago, and not yet taken, that this one cancels: it starts in their place."""
        earlier = [chosen for chosen, _ in choice.chosen if chosen.id in judgement.cancel]
        for chosen in earlier:
            self._cancel(chosen.id, run)
            choice.seen[chosen.id] = Answer.SKIP
        choice.chosen = [one for one in choice.chosen if one[0] not in earlier]
        return bool(earlier)

    def _rest_waits(self, choice: Choice, batch: list[Run]) -> bool:
        for run in batch:
            choice.seen.setdefault(run.id, Answer.WAIT)
        return False

    def _with_chosen(self, facts: Facts, choice: Choice) -> Facts:
        """The facts as they will be once what was chosen so far has been taken."""
        slots = dict(facts.slots)
        for run, judgement in choice.chosen:
            for name in judgement.slots:
                if name in slots:
                    slots[name] = replace(slots[name], holders=slots[name].holders | {run.id})
        return replace(facts, slots=slots)

    def _put_away(self, run: Run, judgement: Judgement) -> None:
        """Take a run that cannot start out of the way of those that can."""
        if judgement.answer is Answer.LINE and judgement.line:
            for holder in judgement.cancel:  # first: once in its line, the run is not looked at again
                self._cancel(holder, run)
            self._lines.wait(run, judgement.line)
        elif judgement.answer is Answer.GONE and run.schedule_revision is not None and not run.attempt:
            # As when a schedule is changed: cancelled, it would stand in the way of the next revision's run.
            if run.state.type is StateType.SCHEDULED:
                self._ports.runs.delete(run)
        elif judgement.answer is Answer.SKIP or (
            judgement.answer is Answer.GONE and run.state.type is StateType.SCHEDULED
        ):
            self._skip(run, judgement.reason)

    def _cancel(self, holder: UUID, successor: Run) -> None:
        try:
            self._runs.cancel(holder, f"The next run of its schedule, {successor.name!r}, is due.")
        except (WrongState, NotFound):
            return  # it is over: its slot comes back by itself

    def _skip(self, run: Run, reason: str) -> None:
        now = self._ports.clock()
        name = StateName.SKIPPED
        over = runs.ended(run, StateType.CANCELLED, Cause.RULE, now, name=name, message=reason)
        self._ports.runs.tried(run, replace(over, expires_at=self._runs.retention()))

    def _elsewhere(self, run: Run, view: PoolView) -> Answer:
        """A rung run of a queue that this session does not serve, or of another pool."""
        return Answer.WAIT if run.state.type is StateType.SCHEDULED else Answer.GONE


def _in_order(hints: Sequence[Run], page: Sequence[tuple[UUID, str]]) -> list[Row]:
    """Rung runs and those of a page, each once, in the order of the queue: by due time, then id."""
    known = {run.id for run in hints}
    rows = [Row(lane_place(run), run.id, run) for run in hints]
    rows += [Row(place, run) for run, place in page if run not in known]
    return sorted(rows, key=lambda row: row.place)
