"""The claim: which runs of a pool start next. The only place that moves a run from SCHEDULED to PENDING.

Queue priority, then due time, then id, over all queues of the pool that the session serves. The
candidates are the rung runs (read consistently, since an index may lag) and the ready lanes. Choosing
reads; taking writes, one conditional write a run, with the slots of its limits in one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from chalicelib.domain import runs
from chalicelib.domain.deployments import Deployment
from chalicelib.domain.eligibility import EARLY, Answer, Facts, Judgement, judge
from chalicelib.domain.errors import WrongState
from chalicelib.domain.pools import PoolView, Session, WorkQueue
from chalicelib.domain.run_limits import may_need
from chalicelib.domain.runs import Run
from chalicelib.services.candidates import Candidates, Page, Row
from chalicelib.services.grants import Grants
from chalicelib.services.heirs import Heirs
from chalicelib.services.lines import Lines
from chalicelib.services.ports import Ports
from chalicelib.services.put_away import PutAway
from chalicelib.storage.run_lanes import ready_lane
from chalicelib.storage.seam import Busy
from headrace.contract.states import StateType

Pages = dict[str, Page]
SPARE = 10
"""Candidates read beyond what is wanted: some are lost to others, some turn out to be blocked."""
TRIES = 4
"""Of one claim, where others' transactions at the same items are in its way."""
PAUSE = 0.06
"""Seconds between them at most, rising with each; the dice say how much of it."""
FAR = 20
"""Candidates in a row that cannot start, after which the rung runs are judged wherever they stand."""
MOST_AT_ONCE = 25
"""Runs judged together where those before could not start; else no more than are wanted, to read no more."""
LOOKING = timedelta(seconds=4)
"""So long one claim looks where many that cannot start stand in front; the worker is told to ask again."""


@dataclass
class Choice:
    """Runs that may start, in order, and what became of every run that was looked at.

    After `until` no more are looked for: `is_cut` says that others may be found by asking again. `is_full`:
    whatever is met from here on comes after runs that still stand in a line, or that the answer has no room for, so
    no more are chosen. `gone` are runs, as they were before, that were taken or put away: others may follow them
    out of their lines, and out of those of the limits that are `left` with room.
    """

    until: datetime | None = None
    answer: Grants | None = None
    chosen: list[tuple[Run, Judgement]] = field(default_factory=list)
    seen: dict[UUID, Answer] = field(default_factory=dict)
    deployments: dict[UUID, Deployment] = field(default_factory=dict)
    pages: Pages = field(default_factory=dict)
    lost: set[UUID] = field(default_factory=set)
    gone: list[Run] = field(default_factory=list)
    left: set[str] = field(default_factory=set)
    is_cut: bool = False
    is_full: bool = False

    def add(self, run: Run, judgement: Judgement) -> None:
        """Choose a run, unless the answer takes no more."""
        owner = self.deployments.get(run.deployment_id) if run.deployment_id else None
        if self.answer is None or self.answer.takes(run, owner):
            self.chosen.append((run, judgement))
        else:
            self.is_full = self.is_cut = True

    def go_on(self, further: Choice) -> None:
        """What was chosen is taken or lost: go on with what was chosen after it."""
        self.seen |= further.seen
        self.gone += further.gone
        self.left |= further.left
        self.deployments |= further.deployments
        self.chosen = further.chosen


class Claims:
    """Chooses and takes."""

    def __init__(self, ports: Ports, lines: Lines, away: PutAway, heirs: Heirs) -> None:
        self._ports = ports
        self._lines = lines
        self._away = away
        self._heirs = heirs

    def waiting(self, session: Session, want: int) -> Pages:
        """The first page of each queue that the session serves: whether there is anything to choose from."""
        if want <= 0:
            return {}
        pool = session.work_pool_name
        return {queue: self._page(pool, queue, None, want + SPARE) for queue in session.queues}

    def choose(
        self,
        session: Session,
        view: PoolView,
        want: int,
        hints: Sequence[Run],
        answer: Grants | None,
        pages: Pages | None = None,
    ) -> Choice:
        """The best runs that may start now, at most `want`, and as many as the `answer` takes.

        Blocked ones met on the way go into their lines. `pages` are first pages read before, for this `want`.
        """
        choice = Choice(self._ports.clock() + LOOKING, answer, pages=dict(pages or {}))
        by_queue: dict[str | None, list[Run]] = {}
        for run in hints:
            queue_name = run.work_queue_name if run.work_pool_name == view.pool.name else None
            by_queue.setdefault(queue_name, []).append(run)
        for queues in view.by_priority():
            served = [queue for queue in queues if session.serves(queue.name)]
            rung = [run for queue in served for run in by_queue.pop(queue.name, [])]
            self._from_queues(choice, view, served, want, rung)
        for rest in by_queue.values():
            for run in rest:
                choice.seen.setdefault(run.id, _elsewhere(run))
        self._lines.ring_when_due([run for run in hints if choice.seen.get(run.id) is Answer.EARLY], view)
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
                choice.gone.append(run)
            else:
                choice.lost.add(run.id)
        choice.is_cut |= any(run.leads for run, _ in choice.chosen)  # those that follow come before others
        self._ports.measure("Seconds", {"claim_latency": [self._waited(run) for run in granted]})
        return granted

    def follow(self, choice: Choice) -> bool:
        """Let others come out of their lines into the places of runs that are gone. Whether any came."""
        followed = self._lines.follow(choice.gone, choice.until)
        return bool(followed + self._lines.promote(sorted(choice.left)))

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

    def _from_queues(
        self, choice: Choice, view: PoolView, queues: Sequence[WorkQueue], want: int, hints: list[Run]
    ) -> None:
        """From queues of one priority, in one order."""
        running = [queue.name for queue in queues if not (view.pool.is_paused or queue.is_paused)]
        choice.seen |= {run.id: Answer.WAIT for run in hints if run.work_queue_name not in running}
        rung = [run for run in hints if run.work_queue_name in running]
        read = partial(self._next_page, choice, view.pool.name)
        rows = Candidates(rung, running, read, want - len(choice.chosen) + SPARE)
        count, looked = want - len(choice.chosen), 0
        while len(choice.chosen) < want and not choice.is_cut:
            batch = rows.take(count)
            if not batch:
                break
            before = len(choice.chosen)
            self._judge_all(choice, view, self._read_rows(choice, view.pool.name, batch), want, rows)
            is_fruitful = len(choice.chosen) > before
            count = want - len(choice.chosen) if is_fruitful else min(2 * count, MOST_AT_ONCE)
            is_late = choice.until is not None and self._ports.clock() >= choice.until
            choice.is_cut = choice.is_cut or is_late
            looked = 0 if is_fruitful else looked + len(batch)
            if looked >= FAR:
                self._judge_rung(choice, view, rung, want, rows)
        self._judge_rung(choice, view, rung, want, rows)

    def _judge_rung(
        self, choice: Choice, view: PoolView, rung: Sequence[Run], want: int, rows: Candidates
    ) -> None:
        """The rung runs that were not come to yet: one does not wait until a crowd before it was looked at."""
        rest = [run for run in rung if run.id not in choice.seen]
        if rest:
            self._judge_all(choice, view, rest, want, rows)

    def _read_rows(self, choice: Choice, pool: str, rows: Sequence[Row]) -> list[Run]:
        """The runs of rows, as far as they still stand where the index says: it may lag behind a move."""
        rows = [row for row in rows if row.id not in choice.seen]
        found = self._ports.runs.read_many((row.id for row in rows if row.run is None), consistent=False)
        runs = ((row, row.run or found.get(row.id)) for row in rows)
        return [
            run for row, run in runs if run and (run.work_pool_name, run.work_queue_name) == (pool, row.queue)
        ]

    def _next_page(self, choice: Choice, pool: str, queue: str, after: str | None, limit: int) -> Page:
        if after is None and queue in choice.pages:
            return choice.pages.pop(queue)
        return self._page(pool, queue, after, limit)

    def _page(self, pool: str, queue: str, after: str | None, limit: int) -> list[tuple[UUID, str]]:
        lane = ready_lane(pool, queue)
        return self._ports.runs.lane(lane, until=self._ports.clock() + EARLY, after=after, limit=limit)

    def _judge_all(
        self, choice: Choice, view: PoolView, batch: list[Run], want: int, rows: Candidates
    ) -> None:
        """Judge a batch. A queue of which nothing more can start now is closed."""
        choice.seen |= dict.fromkeys(
            (run.id for run in batch), Answer.GONE
        )  # as far as it belongs elsewhere now
        batch, facts = self._heirs.up_to_date(view, batch)
        choice.deployments |= facts.deployments
        for run in batch:
            queue = run.work_queue_name or ""
            known = self._with_chosen(facts, choice)
            judgement = judge(run, known)
            if rows.is_closed(queue) and not judgement.is_final:
                choice.seen[run.id] = Answer.WAIT
                continue
            if self._gives_way(choice, judgement, run):
                known = self._with_chosen(facts, choice)
                judgement = judge(run, known)
            choice.seen[run.id] = judgement.answer
            if judgement.answer is Answer.START:
                if choice.is_full or self._comes_behind(choice, run):
                    choice.is_full = choice.is_cut = True
                elif len(choice.chosen) < want:
                    choice.add(run, judgement)
            elif judgement.answer is Answer.WAIT and run.due <= facts.now + EARLY:
                rows.close(queue)
            else:
                choice.left.update(self._away.put_away(run, judgement, known))
                choice.gone.append(run)

    def _comes_behind(self, choice: Choice, run: Run) -> bool:
        """Whether others are to follow first, from a line that this run never stood in, or left for good."""
        led = {chosen.leads for chosen, _ in choice.chosen if chosen.leads}
        return run.leads is None and any(may_need(run, limit) for limit in led)

    def _gives_way(self, choice: Choice, judgement: Judgement, run: Run) -> bool:
        """Runs chosen a moment ago, and not yet taken, that this one cancels: it starts in their place."""
        met = [chosen for chosen, _ in choice.chosen if chosen.id in judgement.cancel]
        earlier = [chosen for chosen in met if self._away.cancel(chosen.id, run)]
        choice.seen |= {chosen.id: Answer.SKIP for chosen in earlier}
        choice.chosen = [one for one in choice.chosen if one[0] not in earlier]
        return bool(earlier)

    def _with_chosen(self, facts: Facts, choice: Choice) -> Facts:
        """The facts as they will be once what was chosen so far has been taken."""
        slots = dict(facts.slots)
        for run, judgement in choice.chosen:
            for name in judgement.slots:
                if name in slots:
                    slots[name] = replace(slots[name], holders=slots[name].holders | {run.id})
        return replace(facts, slots=slots)


def _elsewhere(run: Run) -> Answer:
    """A rung run of a queue that this session does not serve, or of another pool."""
    return Answer.WAIT if run.state.type is StateType.SCHEDULED else Answer.GONE
