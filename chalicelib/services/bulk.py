"""Many runs of one deployment, made by one request.

All rows are looked at before anything is written: one that is wrong refuses the request. Each run has an id
derived from a key, so that a request which broke off is sent again, and makes what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.dispatch.queues import LONGEST_DELAY
from chalicelib.domain import parameters
from chalicelib.domain.deployments import Deployment, ScheduleRecord, spec_of
from chalicelib.domain.eligibility import EARLY, Answer, judge
from chalicelib.domain.errors import FieldProblem, HeadraceError, Invalid, NotFound, TooLarge
from chalicelib.domain.pools import PoolView
from chalicelib.domain.runs import Run
from chalicelib.domain.schedules import next_after, occurrence_id
from chalicelib.services import job_variables
from chalicelib.services.facts import gather
from chalicelib.services.lines import Lines
from chalicelib.services.numbering import deployment_of
from chalicelib.services.ports import Ports
from chalicelib.services.runs import Runs, Wanted
from chalicelib.storage.bulk import BulkStore

MOST_BYTES = 20_000_000
"""Bytes of all parameters together, the deployment's defaults in each run counted: bounds time and memory."""
WAKE = 100
"""Doorbells rung for what is due at once: more workers than that are woken by the tick, and each takes as
many runs as it has slots; the others would be received and deleted to no use."""
BACKFILL = "backfill"
"""The tag of a run made for a past occurrence."""
_ONE = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Row:
    """A run that is wanted; `occurrence` is the slug and the moment of a schedule's occurrence."""

    wanted: Wanted
    occurrence: tuple[str, datetime] | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """The run of a row; `made` is false for one that was there already."""

    run: Run
    made: bool


class Bulk:
    """Makes many runs."""

    def __init__(self, ports: Ports, lines: Lines, runs: Runs, store: BulkStore) -> None:
        self._ports = ports
        self._lines = lines
        self._runs = runs
        self._store = store

    def create(self, deployment_id: UUID, rows: Sequence[Row]) -> list[Made]:
        """The runs of all rows, in order.

        Raises:
            NotFound: There is no such deployment, or work queue.
            Invalid: A row is wrong; `errors` names it by its number.
            TooLarge: Parameters of a row, or of all of them together.
        """
        deployment = deployment_of(self._ports, deployment_id)
        drafts = self._drafts(deployment, rows)
        view = self._view(drafts)
        drafts = self._judged(drafts, view)
        loud = self._worth_a_ring(drafts)
        by_id = {run.id: run for run in drafts}
        found: dict[UUID, Run] = {}
        for made, there in self._store.create(drafts):
            found |= there
            self._announce([by_id[run] for run in made], loud, view)
        return [Made(found.get(run.id, run), run.id not in found) for run in drafts]

    def _drafts(self, deployment: Deployment, rows: Sequence[Row]) -> list[Run]:
        slugs = {row.occurrence[0] for row in rows if row.occurrence}
        schedules = self._ports.deployments.schedules_by_slug((deployment.id, slug) for slug in slugs)
        now = self._ports.clock()
        varied = any(row.wanted.job_variables for row in rows)
        template = job_variables.template_of(self._ports, deployment.work_pool_name) if varied else None
        drafts: list[Run] = []
        seen: dict[UUID, int] = {}
        total = 0
        for number, row in enumerate(rows):
            with _At(f"flow_runs.{number}"):
                job_variables.check(template, row.wanted.job_variables, row.wanted.caller)
                run = self._draft(deployment, schedules, row, now + number * _ONE)
            total += parameters.check_size(run.parameters, "parameters")
            _refuse_twice(seen, run.id, number)
            drafts.append(run)
            if total > MOST_BYTES:
                raise _too_much(number)
        return drafts

    def _draft(
        self,
        deployment: Deployment,
        schedules: Mapping[tuple[UUID, str], ScheduleRecord],
        row: Row,
        due: datetime,
    ) -> Run:
        wanted = row.wanted if row.wanted.due else replace(row.wanted, due=due)
        if row.occurrence is None:
            return self._runs.draft(deployment, wanted)
        slug, instant = row.occurrence
        schedule = schedules.get((deployment.id, slug))
        if schedule is None or schedule.deleted:
            raise _wrong("occurrence.schedule_slug", f"the deployment has no schedule {slug!r}", "its slug")
        if instant > self._ports.clock():
            raise _wrong("occurrence.time", "has not come yet: the schedule makes its run", "a past moment")
        if next_after(spec_of(schedule), instant - _ONE) != instant:
            raise _wrong("occurrence.time", f"schedule {slug!r} was not due then", "one of its moments")
        values = parameters.merge_defaults(schedule.parameters, wanted.parameters)
        tags = tuple(dict.fromkeys((*wanted.tags, BACKFILL)))
        run = self._runs.draft(deployment, replace(wanted, parameters=values, tags=tags))
        identity = occurrence_id(deployment.id, slug, instant)
        return replace(run, id=identity, schedule_slug=slug, occurrence=instant)

    def _view(self, drafts: Sequence[Run]) -> PoolView | None:
        pool = drafts[0].work_pool_name
        if pool is None:
            return None
        view = self._ports.pools.view(pool)
        for number, run in enumerate(drafts):
            if view is None or run.work_queue_name not in view.queues:
                raise NotFound(
                    f"flow_runs.{number}: work queue {run.work_queue_name!r} of pool {pool!r} does not exist.",
                    hint="`headrace work-queue ls` lists them.",
                )
        return view

    def _judged(self, drafts: list[Run], view: PoolView | None) -> list[Run]:
        """Those that could start now but for a limit begin in its line."""
        if view is None:
            return drafts
        facts = gather(self._ports, view, drafts)
        soon = facts.now + EARLY
        lines = {
            run.id: judgement.line
            for run in drafts
            if run.due <= soon and (judgement := judge(run, facts)).answer is Answer.LINE
        }
        return [replace(run, line=lines.get(run.id)) for run in drafts]

    def _announce(self, new: Sequence[Run], loud: set[UUID], before: PoolView | None) -> None:
        """Ring for what was made, or take it back where its queue was deleted meanwhile."""
        if before is None or not new:
            return
        view = self._ports.pools.view(before.pool.name)
        lost = [run for run in new if view is None or run.work_queue_name not in view.queues]
        for run in lost:
            self._ports.runs.delete(run)
        if lost:
            raise NotFound(
                f"Work queue {lost[0].work_queue_name!r} was deleted meanwhile: "
                f"{len(lost)} runs were taken back.",
                hint="`headrace work-queue ls` lists them.",
            )
        self._lines.promote([run.line for run in new if run.line])
        self._lines.ring([run for run in new if run.id in loud])

    def _worth_a_ring(self, drafts: Sequence[Run]) -> set[UUID]:
        """Those due soon, on their second each, and as many of those due at once as there may be workers."""
        now = self._ports.clock()
        loud = [run for run in drafts if not run.line and run.due <= now + LONGEST_DELAY]
        at_once = [run.id for run in loud if run.due <= now + EARLY]
        return {run.id for run in loud} - set(at_once[WAKE:])


class _At:
    """Names the row in what is refused within."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, HeadraceError):
            problems = [replace(one, path=f"{self._path}.{one.path}") for one in error.errors]
            message = f"{self._path}: {error.message}"
            raise type(error)(message, code=error.code, hint=error.hint, errors=problems) from None


def key_of(request_key: str | None, own: str | None, number: int) -> str | None:
    """The idempotency key of a row: its own, or the request's with the row's number."""
    return own if own is not None or request_key is None else f"{request_key}#{number}"


def _refuse_twice(seen: dict[UUID, int], run: UUID, number: int) -> None:
    first = seen.setdefault(run, number)
    if first != number:
        text = f"is the same run as row {first}: they have the same idempotency key or occurrence"
        raise Invalid(
            f"flow_runs.{number} {text}.",
            errors=[FieldProblem(f"flow_runs.{number}", text, "another key or occurrence")],
        )


def _too_much(number: int) -> TooLarge:
    return TooLarge(
        f"The parameters of the rows up to {number} have more than {MOST_BYTES} bytes together, "
        "with the deployment's own in each of them.",
        hint="Send fewer runs at once.",
        errors=[FieldProblem("flow_runs", "is too large", f"at most {MOST_BYTES} bytes of parameters")],
    )


def _wrong(path: str, what: str, expected: str) -> Invalid:
    return Invalid(f"{path} {what}.", errors=[FieldProblem(path, what, expected)])
