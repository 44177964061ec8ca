"""Schedules: changed with their deployment, and turned into runs a little ahead of time.

An occurrence is a run whose id is derived from deployment, slug and UTC instant, made in one
transaction with the check that the schedule's revision is unchanged: exactly one run, whatever is
repeated, concurrent, late or redeployed in between. Every change raises the revision and deletes
what the old one had made and nobody started (deleted, not cancelled: putting it back makes it again).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from chalicelib.domain import parameters
from chalicelib.domain.deployments import Deployment, ScheduleRecord, spec_of
from chalicelib.domain.eligibility import schedule_limit
from chalicelib.domain.errors import Conflict, FieldProblem, Invalid, NotFound
from chalicelib.domain.run_names import run_name
from chalicelib.domain.runs import Run, State
from chalicelib.domain.schedules import jittered, next_after, occurrence_id, occurrences, to_skip
from chalicelib.services.lines import Lines
from chalicelib.services.ports import Ports
from headrace.contract.states import StateType

LOOKAHEAD = timedelta(minutes=3)
"""How far ahead runs are made: three ticks, so that one may be late or missing."""
PER_TICK = 200
"""Occurrences of one schedule that one tick makes; the next goes on."""
MOST = 1000
"""Rows of a preview or a verification."""
_WINDOWS = [timedelta(minutes=2), timedelta(hours=2), timedelta(days=2), timedelta(days=60)]
_ONE = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Wish:
    """A schedule as somebody wants it; without a slug it gets one from its kind and place."""

    spec: Mapping[str, object]
    slug: str | None = None
    replaces: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """A schedule before (None: new) and after."""

    before: ScheduleRecord | None
    after: ScheduleRecord


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One occurrence and its one run, if there is one."""

    instant: datetime
    run_id: UUID
    run: Run | None


class Schedules:
    """Use cases of schedules."""

    def __init__(self, ports: Ports, lines: Lines) -> None:
        self._ports = ports
        self._lines = lines

    def plan(self, deployment: Deployment, wishes: Sequence[Wish]) -> list[Change]:
        """What must change so that the deployment has these schedules and no others. Raises `Invalid`."""
        known = {s.slug: s for s in self._ports.deployments.schedules(deployment.id, tombstones=True)}
        changes = []
        wanted = _with_slugs(wishes)
        for index, (slug, wish) in enumerate(wanted.items()):
            after = self._wanted(deployment, slug, wish, known.get(slug), f"schedules.{index}")
            if after:
                changes.append(Change(known.get(slug), after))
        for slug, record in known.items():
            if slug not in wanted and not record.deleted:
                changes.append(Change(record, self._tombstone(record)))
        return changes

    def add(self, deployment: Deployment, wishes: Sequence[Wish]) -> list[ScheduleRecord]:
        """Further schedules of a deployment; one that names `replaces` takes another's place."""
        known = {s.slug: s for s in self._ports.deployments.schedules(deployment.id, tombstones=True)}
        taken = {slug for slug, record in known.items() if not record.deleted}
        replaced = {wish.replaces for wish in wishes if wish.replaces}
        changes = [Change(known[slug], self._tombstone(known[slug])) for slug in replaced & taken]
        made = []
        for index, (slug, wish) in enumerate(_with_slugs(wishes, taken - replaced).items()):
            if slug in taken and slug not in replaced:
                raise Conflict(f"There is a schedule {slug!r} already.", code="exists", hint="Update it.")
            before = known.get(slug)
            after = self._wanted(deployment, slug, wish, before, f"{index}")
            if after:
                changes = [change for change in changes if change.after.slug != slug]
                changes.append(Change(before, after))
                made.append(after)
        self._apply(deployment, changes)
        return made

    def update(
        self, deployment: Deployment, schedule_id: UUID, changes: Mapping[str, object]
    ) -> ScheduleRecord:
        """Change the members given of one schedule."""
        before = self.find(deployment.id, schedule_id)
        now = self._ports.clock()
        after = replace(before, **changes, updated=now, revision=before.revision + 1)  # type: ignore[arg-type]
        if after.slug != before.slug:
            clash = self._ports.deployments.schedule(deployment.id, after.slug)
            if clash and not clash.deleted:
                raise Conflict(f"There is a schedule {after.slug!r} already.", code="exists")
            after = replace(after, revision=clash.revision + 1 if clash else 1)
            self._checked(deployment, after, "")
            self._apply(
                deployment, [Change(before, self._tombstone(before)), Change(clash, self._timed(after))]
            )
            return after
        self._checked(deployment, after, "")
        self._apply(deployment, [Change(before, self._timed(after))])
        return after

    def delete(self, deployment: Deployment, schedule_id: UUID) -> None:
        """Remove a schedule, with its runs that have not started."""
        before = self.find(deployment.id, schedule_id)
        self._apply(deployment, [Change(before, self._tombstone(before))])

    def find(self, deployment: UUID, schedule_id: UUID) -> ScheduleRecord:
        """A schedule by id; raises `NotFound`."""
        for schedule in self._ports.deployments.schedules(deployment):
            if schedule.id == schedule_id:
                return schedule
        raise NotFound(
            f"There is no schedule {schedule_id}.", hint="`headrace deployment schedule ls` lists them."
        )

    def follow_up(self, deployment: Deployment, changes: Sequence[Change]) -> None:
        """After a write: what the old revisions had made goes, what the new ones want soon is made."""
        self.drop_upcoming([change.before for change in changes if change.before])
        for change in changes:
            after = change.after
            limit = schedule_limit(after.deployment_id, after.slug)
            if after.deleted or after.overlap == "allow":
                if change.before and change.before.overlap != "allow":
                    self._ports.slots.remove(limit)
            else:
                self._ports.slots.set_maximum(limit, 1)
            self.materialise(deployment, after)

    def drop_upcoming(self, old: Sequence[ScheduleRecord]) -> None:
        """Delete runs that these schedules made, of their revision or an older one, and that nobody started."""
        now = self._ports.clock()
        for schedule in old:
            if not schedule.active or schedule.deleted:
                continue
            instants = occurrences(spec_of(schedule), now - LOOKAHEAD, now + 2 * LOOKAHEAD, limit=MOST)
            ids = [occurrence_id(schedule.deployment_id, schedule.slug, instant) for instant in instants]
            for run in self._ports.runs.read_many(ids).values():
                if (
                    run.state.type is StateType.SCHEDULED
                    and (run.schedule_revision or 0) <= schedule.revision
                ):
                    self._ports.runs.delete(run)

    def due(self, limit: int = 500) -> int:
        """The tick's part: make the runs of every schedule whose next time has come near. How many schedules."""
        until = self._ports.clock() + LOOKAHEAD
        rows = self._ports.deployments.due_schedules(until, limit)
        records = self._ports.deployments.schedules_by_slug(rows)
        owners = self._ports.deployments.read_many({owner for owner, _ in rows})
        for row in rows:
            if row in records and row[0] in owners:
                self.materialise(owners[row[0]], records[row])
        return len(rows)

    def materialise(self, deployment: Deployment, schedule: ScheduleRecord) -> None:
        """Make the runs of one schedule up to the look-ahead, ring them, and move its next due time."""
        if not schedule.active or schedule.deleted or schedule.next_due is None:
            return
        now = self._ports.clock()
        instants = self._instants(schedule, now)
        made = []
        for instant in instants:
            run = self._occurrence(deployment, schedule, instant, now)
            if self._ports.runs.create_occurrence(run, schedule) or self._renewed(run):
                made.append(run)
        self._lines.ring([run for run in made if run.work_pool_name])
        last = instants[-1] if instants else schedule.next_due - _ONE
        coming = next_after(spec_of(schedule), max(last, schedule.next_due - _ONE))
        if coming != schedule.next_due:
            self._ports.deployments.advance(schedule, coming)

    def upcoming(
        self, schedule: ScheduleRecord, start: datetime, end: datetime, limit: int
    ) -> list[datetime]:
        """Times of a schedule in a window, computed."""
        return occurrences(spec_of(schedule), start - _ONE, end, limit=min(limit, MOST))

    def verify(self, schedule: ScheduleRecord, start: datetime, end: datetime) -> list[Occurrence]:
        """Every occurrence of a period with its one run."""
        instants = occurrences(spec_of(schedule), start - _ONE, end, limit=MOST)
        ids = [occurrence_id(schedule.deployment_id, schedule.slug, instant) for instant in instants]
        found = self._ports.runs.read_many(ids)
        return [Occurrence(at, run, found.get(run)) for at, run in zip(instants, ids, strict=True)]

    def _instants(self, schedule: ScheduleRecord, now: datetime) -> list[datetime]:
        """The occurrences to make now: what is due by the catch-up policy, and what comes soon."""
        spec = spec_of(schedule)
        after = (schedule.next_due or now) - _ONE
        if schedule.catchup == "all":
            return occurrences(spec, after, now + LOOKAHEAD, limit=PER_TICK)
        past = _latest(spec, after, now)
        skipped = {
            skip.due
            for skip in to_skip(past, now, catchup=schedule.catchup, max_lateness=schedule.max_lateness)
        }
        coming = occurrences(spec, max(after, now), now + LOOKAHEAD, limit=PER_TICK)
        return [instant for instant in past if instant not in skipped] + coming

    def _occurrence(
        self, deployment: Deployment, schedule: ScheduleRecord, instant: datetime, now: datetime
    ) -> Run:
        due = jittered(instant, schedule.jitter, f"{deployment.id}/{schedule.slug}")
        return Run(
            id=occurrence_id(deployment.id, schedule.slug, instant),
            name=run_name(),
            flow_name=deployment.flow_name,
            flow_id=deployment.flow_id,
            created=now,
            updated=now,
            due=due,
            listed_at=due,
            state=State(StateType.SCHEDULED, now, "Scheduled", None, due),
            deployment_id=deployment.id,
            deployment_name=deployment.name,
            deployment_version=deployment.version,
            work_pool_name=deployment.work_pool_name,
            work_queue_name=deployment.work_queue_name,
            parameters=parameters.merge_defaults(deployment.parameters, schedule.parameters),
            tags=tuple(dict.fromkeys((*deployment.tags, "auto-scheduled"))),
            retry_policy=deployment.retry_policy,
            auto_scheduled=True,
            schedule_slug=schedule.slug,
            schedule_revision=schedule.revision,
            occurrence=instant,
        )

    def _renewed(self, wanted: Run) -> bool:
        """A run of this occurrence that an older revision made and nobody started becomes this revision's."""
        found = self._ports.runs.read(wanted.id)
        if found is None or found.state.type is not StateType.SCHEDULED:
            return False
        if (found.schedule_revision or 0) >= (wanted.schedule_revision or 0):
            return False
        return self._ports.runs.write(found, replace(wanted, created=found.created))

    def _wanted(
        self, deployment: Deployment, slug: str, wish: Wish, before: ScheduleRecord | None, path: str
    ) -> ScheduleRecord | None:
        """The record as wished, or None if it is so already. A wish says the whole schedule, not a change."""
        now = self._ports.clock()
        made = before.created if before and not before.deleted else now
        record = ScheduleRecord(
            deployment_id=deployment.id,
            slug=slug,
            created=made,
            updated=now,
            spec=wish.spec,
            **wish.options,  # type: ignore[arg-type]
        )
        self._checked(deployment, record, path)
        if before is None:
            return self._timed(record)
        same = replace(record, revision=before.revision, updated=before.updated, next_due=before.next_due)
        if same == before:
            return None
        return self._timed(replace(record, revision=before.revision + 1))

    def _checked(self, deployment: Deployment, schedule: ScheduleRecord, path: str) -> None:
        try:
            spec_of(schedule)
        except Invalid as error:
            problems = [
                replace(problem, path=f"{path}.{problem.path}".strip(".")) for problem in error.errors
            ]
            raise Invalid(error.message, code=error.code, hint=error.hint, errors=problems) from None
        if (
            deployment.parameter_openapi_schema
            and deployment.enforce_parameter_schema
            and schedule.parameters
        ):
            values = parameters.merge_defaults(deployment.parameters, schedule.parameters)
            parameters.validate(deployment.parameter_openapi_schema, values)
        if deployment.work_pool_name is None:
            problem = FieldProblem(path or "schedules", "the deployment has no work pool", "work_pool_name")
            raise Invalid(
                "A schedule needs a work pool: without one no worker starts its runs.", errors=[problem]
            )

    def _timed(self, schedule: ScheduleRecord) -> ScheduleRecord:
        now = self._ports.clock()
        coming = next_after(spec_of(schedule), now) if schedule.active else None
        return replace(schedule, next_due=coming)

    def _tombstone(self, schedule: ScheduleRecord) -> ScheduleRecord:
        return replace(
            schedule,
            deleted=True,
            active=False,
            next_due=None,
            updated=self._ports.clock(),
            revision=schedule.revision + 1,
        )

    def _apply(self, deployment: Deployment, changes: Sequence[Change]) -> None:
        for change in changes:
            if not self._ports.deployments.write_schedule(change.after):
                raise Conflict("The schedule changed at the same moment.", code="busy", hint="Try again.")
        self.follow_up(deployment, changes)


def _latest(spec: object, after: datetime, now: datetime) -> list[datetime]:
    """The last occurrence due by now, found without walking over all those missed before it."""
    for window in (*_WINDOWS, now - after):
        start = max(after, now - window)
        found = occurrences(spec, start, now, limit=MOST * 200)  # type: ignore[arg-type]
        if found or start == after:
            return found[-1:]
    return []


def _with_slugs(wishes: Sequence[Wish], taken: Iterable[str] = ()) -> dict[str, Wish]:
    """Slugs for all: given ones, else the kind, numbered from its second on. Raises `Invalid` for a repeat."""
    result: dict[str, Wish] = {}
    given = {wish.slug for wish in wishes if wish.slug} | set(taken)
    for index, wish in enumerate(wishes):
        slug = wish.slug or _free_slug(wish.spec, given | result.keys())
        if slug in result:
            problem = FieldProblem(
                f"schedules.{index}.slug", f"{slug!r} is given twice", "one schedule a slug"
            )
            raise Invalid(f"Two schedules have the slug {slug!r}.", errors=[problem])
        result[slug] = wish
    return result


def _free_slug(spec: Mapping[str, object], taken: set[str]) -> str:
    kind = next(kind for kind in ("cron", "interval", "rrule") if kind in spec)
    number = 1
    while (slug := kind if number == 1 else f"{kind}-{number}") in taken:
        number += 1
    return slug
