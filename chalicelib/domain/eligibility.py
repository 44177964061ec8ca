"""May this run start now, and if not, why not? One function, asked by the claim and by `why` alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from shlex import quote
from uuid import UUID

from chalicelib.domain import schedules
from chalicelib.domain.deployments import CANCEL_NEW, Deployment, ScheduleRecord, spec_of
from chalicelib.domain.limits import Slots, deployment_limit
from chalicelib.domain.pools import PoolView
from chalicelib.domain.run_limits import possible_limits
from chalicelib.domain.runs import Run
from chalicelib.domain.succession import is_going
from headrace.contract.states import StateName, StateType

EARLY = timedelta(seconds=1.5)
"""A doorbell rings on the whole second before a run is due; the worker sleeps the rest."""
NOT_RUN = "Not run: "
"""How the message of a run that was skipped begins."""


class Answer(StrEnum):
    """What the claim does with a run."""

    START = "start"
    EARLY = "early"  # it could not start now, and what becomes of it is decided when it is due
    WAIT = "wait"  # not yet, or its pool, queue or one of their limits says no
    LINE = "line"  # it waits for `line`, out of the way of runs that can start
    STALE = "stale"  # its schedule was changed, and means it still: it is made anew before it starts
    SKIP = "skip"  # a rule says that it shall not run at all
    GONE = "gone"  # over, held by another, or its deployment or schedule is no more


@dataclass(frozen=True, slots=True)
class Facts:
    """What the decision needs to know, read before it is made."""

    now: datetime
    view: PoolView | None
    deployments: Mapping[UUID, Deployment] = field(default_factory=dict)
    slots: Mapping[str, Slots] = field(default_factory=dict)
    schedules: Mapping[tuple[UUID, str], ScheduleRecord] = field(default_factory=dict)
    names: Mapping[UUID, str] = field(default_factory=dict)  # of holders, where a person reads it


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answer, the reason in one sentence, and what a person can do about it (`hint`).

    With it: the slots to take, the line to wait in, runs to cancel for it, and a few `holders` of a full limit.
    """

    answer: Answer
    reason: str
    slots: Sequence[str] = ()
    line: str | None = None
    cancel: Sequence[UUID] = ()
    hint: str | None = None
    holders: Sequence[UUID] = ()

    @property
    def is_final(self) -> bool:
        """Whether a rule does something about the overlap, now or when it is due, rather than have the run wait."""
        return self.answer in (Answer.SKIP, Answer.EARLY) or bool(self.cancel)


START = "It can start: a worker with a free slot takes it."
NAMED = 5  # holders of a limit that a reason names


def judge(run: Run, facts: Facts) -> Judgement:
    """Decide about one run. The first rule that has something to say decides."""
    for rule in _RULES:
        judgement = rule(run, facts)
        if judgement is not None:
            return judgement
    return Judgement(Answer.START, START, slots=tuple(limits_of(run, facts)))


def limits_of(run: Run, facts: Facts) -> list[str]:
    """The limits that this run must hold, in the order in which they are asked."""
    return [name for name in possible_limits(run) if name in facts.slots]


def _still_waits(run: Run, facts: Facts) -> Judgement | None:
    if run.state.type is StateType.SCHEDULED:
        return None
    who = f" by worker {run.worker_name}" if run.is_held and run.worker_name else ""
    return Judgement(Answer.GONE, f"It is {run.state.type.value} already{', held' + who if who else ''}.")


def _has_a_place(run: Run, facts: Facts) -> Judgement | None:
    if run.work_pool_name is None:
        return Judgement(Answer.GONE, "It has no work pool: no worker ever starts it.")
    if facts.view is None:
        return Judgement(Answer.GONE, f"Its work pool {run.work_pool_name!r} no longer exists.")
    if run.work_queue_name not in facts.view.queues:
        return Judgement(Answer.GONE, f"Its work queue {run.work_queue_name!r} no longer exists.")
    if run.deployment_id and run.deployment_id not in facts.deployments:
        return Judgement(Answer.GONE, f"Its deployment {run.deployment_name!r} no longer exists.")
    return None


def _schedule_still_means_it(run: Run, facts: Facts) -> Judgement | None:
    if not (run.schedule_slug and run.deployment_id) or run.schedule_revision is None or run.run_count:
        return None
    schedule = facts.schedules.get((run.deployment_id, run.schedule_slug))
    if schedule is not None and schedule.revision == run.schedule_revision and not schedule.deleted:
        return None
    return outdated(run) if schedule is None or not _has_its_moment(schedule, run) else _stale(run)


def is_stale(run: Run, facts: Facts) -> bool:
    """Whether its schedule was changed after it was made, and means it still: it is to be made anew first."""
    judgement = _schedule_still_means_it(run, facts)
    return judgement is not None and judgement.answer is Answer.STALE


def outdated(run: Run) -> Judgement:
    """About a run of a schedule that does not mean it any more."""
    what = f"Its schedule {run.schedule_slug!r}"
    return Judgement(Answer.GONE, f"{what} was changed or deleted after the run was made.")


def _stale(run: Run) -> Judgement:
    what = f"Its schedule {run.schedule_slug!r}"
    return Judgement(
        Answer.STALE, f"{what} was changed after the run was made: it is made anew before it starts."
    )


def _has_its_moment(schedule: ScheduleRecord, run: Run) -> bool:
    moment = run.occurrence
    return bool(moment and is_going(schedule) and schedules.runs_at(spec_of(schedule), moment))


def _is_due(run: Run, facts: Facts) -> Judgement | None:
    if run.due <= facts.now + EARLY:
        return None
    what = "It waits to be retried" if run.state.name == StateName.AWAITING_RETRY else "It is not due"
    return Judgement(Answer.WAIT, f"{what} until {_time(run.due)}.")


def _deployment_runs(run: Run, facts: Facts) -> Judgement | None:
    deployment = facts.deployments.get(run.deployment_id) if run.deployment_id else None
    if deployment is None or not deployment.paused:
        return None
    text = f"Deployment {deployment.full_name!r} is paused{_since(deployment.paused_since)}."
    hint = f"Resume it: headrace deployment resume {quote(deployment.full_name)}"
    return Judgement(Answer.LINE, text, line=deployment_limit(deployment.id), hint=hint)


def _pool_runs(run: Run, facts: Facts) -> Judgement | None:
    pool = facts.view.pool if facts.view else None
    if pool and pool.is_paused:
        text = f"Work pool {pool.name!r} is paused{_since(pool.paused_since)}."
        return Judgement(Answer.WAIT, text, hint=f"Resume it: headrace work-pool resume {quote(pool.name)}")
    return None


def _queue_runs(run: Run, facts: Facts) -> Judgement | None:
    queue = facts.view.queues.get(run.work_queue_name or "") if facts.view else None
    if queue and queue.is_paused:
        text = f"Work queue {queue.name!r} is paused{_since(queue.paused_since)}."
        where = f"{quote(queue.name)} --pool {quote(queue.work_pool_name)}"
        return Judgement(Answer.WAIT, text, hint=f"Resume it: headrace work-queue resume {where}")
    return None


def _missed(run: Run, facts: Facts) -> Judgement | None:
    """Catch-up and lateness, decided where it is known what else is due.

    So they also hold when it was the workers that were away, and not the control plane. For a run that came back
    before its start others have given way: of these rules only lateness is for it.
    """
    if not (run.schedule_slug and run.deployment_id and run.occurrence) or run.run_count:
        return None
    if run.schedule_revision is None:
        return None
    schedule = facts.schedules[(run.deployment_id, run.schedule_slug)]
    due = [run.due]
    catchup = schedules.CatchUp.ALL if run.attempt else schedule.catchup
    if schedule.active and catchup != schedules.CatchUp.ALL:
        later = schedules.occurrences(spec_of(schedule), run.occurrence, facts.now, limit=1)
        key = f"{run.deployment_id}/{run.schedule_slug}"
        due += [schedules.jittered(instant, schedule.jitter, key) for instant in later]
    skips = schedules.to_skip(due, facts.now, catchup=catchup, max_lateness=schedule.max_lateness)
    mine = next((skip for skip in skips if skip.due == run.due), None)
    return Judgement(Answer.SKIP, f"{NOT_RUN}{mine.reason}.") if mine else None


def _limits(run: Run, facts: Facts) -> Judgement | None:
    """Of those that are full the first decides, unless another's rule is final: that one does not wait for it."""
    slots = (facts.slots[name] for name in limits_of(run, facts))
    full = [
        replace(_full(run, one, facts), holders=sorted(one.holders)[:NAMED])
        for one in slots
        if not one.has_room(run.id)
    ]
    return next((judgement for judgement in full if judgement.is_final), full[0] if full else None)


def _full(run: Run, slots: Slots, facts: Facts) -> Judgement:
    judgement = _of_full(run, slots, facts)
    if judgement.is_final and run.due > facts.now:  # the limit may have room again by then
        return Judgement(Answer.EARLY, f"{judgement.reason} It is due at {_time(run.due)}.")
    return judgement


def _of_full(run: Run, slots: Slots, facts: Facts) -> Judgement:
    text = f"{limit_text(slots, facts)}."
    kind = slots.name.partition(":")[0]
    if kind in ("pool", "queue"):
        return Judgement(Answer.WAIT, text, hint=_raise_hint(slots, facts))
    deployment = facts.deployments.get(run.deployment_id) if run.deployment_id else None
    is_new = not run.attempt  # what is tried again or rerun is not dropped for what came in between
    if kind == "deployment" and deployment and deployment.collision_strategy == CANCEL_NEW and is_new:
        return Judgement(Answer.SKIP, f"{text} Its deployment cancels what would have to wait.")
    if kind == "schedule" and run.deployment_id and run.schedule_slug:
        overlap = facts.schedules[(run.deployment_id, run.schedule_slug)].overlap
        if overlap == "skip" and is_new:
            return Judgement(Answer.SKIP, "An earlier run of its schedule is still going.")
        cancel = sorted(slots.holders) if overlap == "cancel_running" else ()
        return Judgement(Answer.LINE, text, line=slots.name, cancel=cancel)
    return Judgement(Answer.LINE, text, line=slots.name, hint=_raise_hint(slots, facts))


def _raise_hint(slots: Slots, facts: Facts) -> str | None:
    """How to let more go at once; `N` stands for the reader's number."""
    kind, name = _limited(slots, facts)
    pool, _, queue = name.partition("/")
    commands = {
        "pool": f"headrace work-pool update {quote(name)} --concurrency-limit N",
        "queue": f"headrace work-queue update {quote(queue)} --pool {quote(pool)} --concurrency-limit N",
        "tag": f"headrace concurrency-limit update {quote(name)} N",
        "deployment": f"deploy {quote(name)} again with --concurrency-limit N",
    }
    return f"To let more go at once: {commands[kind]}" if kind in commands else None


def limit_text(slots: Slots, facts: Facts) -> str:
    """The limit and who holds it, in words."""
    kind, name = _limited(slots, facts)
    if not slots.holders:
        return f"Limit {slots.maximum} of {kind} {name!r} lets nothing start"
    first = sorted(slots.holders)[:NAMED]
    held = ", ".join(f"{facts.names[run]!r} ({run})" if run in facts.names else str(run) for run in first)
    more = f" and {len(slots.holders) - NAMED} more" if len(slots.holders) > NAMED else ""
    runs = "run" if len(slots.holders) == 1 else "runs"
    return f"Limit {slots.maximum} of {kind} {name!r} is held by {runs} {held}{more}"


def _limited(slots: Slots, facts: Facts) -> tuple[str, str]:
    """Kind and name of what is limited: a deployment, and that of a schedule, by its full name."""
    kind, _, name = slots.name.partition(":")
    if kind in ("deployment", "schedule"):
        identity, slash, slug = name.partition("/")
        deployment = facts.deployments.get(UUID(identity))
        name = f"{deployment.full_name if deployment else identity}{slash}{slug}"
    return kind, name


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S UTC}"


def _since(moment: datetime | None) -> str:
    return f" since {_time(moment)}" if moment else ""


_RULES: tuple[Callable[[Run, Facts], Judgement | None], ...] = (
    _still_waits,
    _has_a_place,
    _schedule_still_means_it,
    _is_due,
    _deployment_runs,
    _pool_runs,
    _queue_runs,
    _missed,
    _limits,
)
"""In this order: what makes a run moot, then what makes it wait."""
