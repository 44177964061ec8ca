"""Schedules: changed with their deployment or by themselves.

Every change raises the revision. What the old one had made and nobody started becomes the new one's where it has
the same moment, and is deleted where not (deleted, not cancelled: putting the schedule back makes the runs again).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from chalicelib.domain import schedule_checks, versions
from chalicelib.domain.deployments import Deployment, ScheduleRecord
from chalicelib.domain.errors import Conflict, HeadraceError, Invalid, NotFound
from chalicelib.domain.limits import schedule_limit
from chalicelib.domain.succession import is_going, next_due
from chalicelib.services.heirs import Heirs
from chalicelib.services.numbering import By, Raced, again, deployment_of, next_version
from chalicelib.services.ports import Ports
from chalicelib.services.wishes import Change, Wish, overlaid, refuse_too_many, with_slugs


class Schedules:
    """Use cases of schedules."""

    def __init__(self, ports: Ports, heirs: Heirs) -> None:
        self._ports = ports
        self._heirs = heirs

    def plan(
        self, deployment: Deployment, wishes: Sequence[Wish], records: Sequence[ScheduleRecord]
    ) -> list[Change]:
        """What must change so that the deployment has these schedules and no others. Raises `Invalid`.

        `records` are those it has, tombstones included. `timed` says when the new revisions begin.
        """
        known = {record.slug: record for record in records}
        changes = []
        wanted = with_slugs(wishes)
        refuse_too_many(len(wanted))
        for index, (slug, wish) in enumerate(wanted.items()):
            after = self._wanted(deployment, slug, wish, known.get(slug), f"schedules.{index}")
            if after:
                changes.append(Change(known.get(slug), after))
        for slug, record in known.items():
            if slug not in wanted and not record.deleted:
                changes.append(Change(record, self.tombstone(record)))
        return changes

    def imagined(self, deployment: Deployment, wishes: Sequence[Wish]) -> list[ScheduleRecord]:
        """The schedules that a deployment would have by these wishes. Raises `Invalid`."""
        return [change.after for change in self.plan(deployment, wishes, [])]

    def refusals(self, deployment: Deployment, wishes: Sequence[Wish]) -> list[HeadraceError]:
        """Why a new deployment would be refused these schedules: of each the first reason."""
        try:
            wanted = with_slugs(wishes)
            refuse_too_many(len(wanted))
        except Invalid as error:
            return [error]
        found: list[HeadraceError] = []
        for index, (slug, wish) in enumerate(wanted.items()):
            try:
                self._wanted(deployment, slug, wish, None, f"schedules.{index}")
            except HeadraceError as error:
                found.append(error)
        return found

    def renewals(self, records: Sequence[ScheduleRecord], planned: Sequence[Change]) -> list[Change]:
        """The schedules that go on, as new revisions: their deployment changed what their runs are made of.

        So a claim takes none that was made before, whatever comes between the write and the renewal of the runs.
        """
        changing = {change.after.slug for change in planned}
        return [
            Change(record, replace(record, revision=record.revision + 1))
            for record in records
            if is_going(record) and record.slug not in changing
        ]

    def timed(self, changes: Sequence[Change]) -> list[Change]:
        """Changes with the time from which each new revision goes on: it owes what the old one had not started."""
        now = self._ports.clock()
        old = [change.before for change in changes if change.before and is_going(change.after)]
        waiting: dict[str, list[datetime]] = {}
        for run in self._heirs.upcoming_runs([one for one in old if is_going(one)]):
            if run.schedule_slug and run.occurrence:
                waiting.setdefault(run.schedule_slug, []).append(run.occurrence)
        return [
            Change(before, replace(after, next_due=next_due(before, after, waiting.get(after.slug, ()), now)))
            for before, after in ((change.before, change.after) for change in changes)
        ]

    def add(self, deployment_id: UUID, wishes: Sequence[Wish], by: By) -> list[ScheduleRecord]:
        """Further schedules of a deployment; one that names `replaces` takes another's place.

        One that is there already as wished is found, so the request may be repeated.
        """
        return again(lambda: self._added(deployment_of(self._ports, deployment_id), wishes, by))

    def _added(self, deployment: Deployment, wishes: Sequence[Wish], by: By) -> list[ScheduleRecord]:
        known = {s.slug: s for s in self._ports.deployments.schedules(deployment.id, tombstones=True)}
        taken = {slug for slug, record in known.items() if not record.deleted}
        replaced = {wish.replaces for wish in wishes if wish.replaces}
        changes = [Change(known[slug], self.tombstone(known[slug])) for slug in replaced & taken]
        there = [known[slug] for slug in sorted(taken - replaced)]
        found = [self._equal(deployment, wish, there, str(index)) for index, wish in enumerate(wishes)]
        slugs = with_slugs(
            [wish for wish, same in zip(wishes, found, strict=True) if not same], taken - replaced
        )
        made = []
        for index, (slug, wish) in enumerate(slugs.items()):
            if slug in taken and slug not in replaced:
                raise Conflict(f"There is a schedule {slug!r} already.", code="exists", hint="Update it.")
            before = known.get(slug)
            after = self._wanted(deployment, slug, wish, before, f"{index}")
            if after:
                changes = [change for change in changes if change.after.slug != slug]
                changes.append(Change(before, after))
            made.append(after or known[slug])
        refuse_too_many(len((taken - replaced) | {record.slug for record in made}))
        changes = self.timed(changes)
        self._apply(deployment, changes, by)
        timed = {change.after.slug: change.after for change in changes}
        new = iter(timed.get(record.slug, record) for record in made)
        return [same or next(new) for same in found]

    def _equal(
        self, deployment: Deployment, wish: Wish, there: Sequence[ScheduleRecord], path: str
    ) -> ScheduleRecord | None:
        """The schedule that is as wished already, of that name if it has one: the request was repeated."""
        if wish.replaces is not None:
            return None
        named = (record for record in there if wish.slug in (None, record.slug))
        return next(
            (one for one in named if self._wanted(deployment, one.slug, wish, one, path) is None), None
        )

    def update(
        self, deployment_id: UUID, schedule_id: UUID, changes: Mapping[str, object], by: By
    ) -> ScheduleRecord:
        """Change the members given of one schedule."""
        return again(
            lambda: self._updated(deployment_of(self._ports, deployment_id), schedule_id, changes, by)
        )

    def _updated(
        self, deployment: Deployment, schedule_id: UUID, changes: Mapping[str, object], by: By
    ) -> ScheduleRecord:
        before = self.find(deployment.id, schedule_id)
        now = self._ports.clock()
        after = replace(before, **changes, updated=now, revision=before.revision + 1)  # type: ignore[arg-type]
        if after.slug != before.slug:
            clash = self._ports.deployments.schedule(deployment.id, after.slug)
            if clash and not clash.deleted:
                raise Conflict(f"There is a schedule {after.slug!r} already.", code="exists")
            after = replace(after, revision=clash.revision + 1 if clash else 1)
            schedule_checks.check(deployment, after, "")
            renamed = [Change(before, self.tombstone(before)), Change(clash, after)]
            self._apply(deployment, self.timed(renamed), by)
            return after
        schedule_checks.check(deployment, after, "")
        self._apply(deployment, self.timed([Change(before, after)]), by)
        return after

    def delete(self, deployment_id: UUID, schedule_id: UUID, by: By) -> None:
        """Remove a schedule, with its runs that have not started."""

        def change() -> None:
            deployment = deployment_of(self._ports, deployment_id)
            before = self.find(deployment.id, schedule_id)
            self._apply(deployment, [Change(before, self.tombstone(before))], by)

        again(change)

    def find(self, deployment: UUID, schedule_id: UUID) -> ScheduleRecord:
        """A schedule by id; raises `NotFound`."""
        for schedule in self._ports.deployments.schedules(deployment):
            if schedule.id == schedule_id:
                return schedule
        raise NotFound(
            f"There is no schedule {schedule_id}.", hint="`headrace deployment schedule ls` lists them."
        )

    def tombstone(self, schedule: ScheduleRecord) -> ScheduleRecord:
        """What stays of a schedule that is removed, so that its revisions never start again."""
        return replace(
            schedule,
            deleted=True,
            next_due=None,
            updated=self._ports.clock(),
            revision=schedule.revision + 1,
        )

    def withdraw(self, schedules: Sequence[ScheduleRecord]) -> None:
        """Delete the coming runs of schedules that go together with their deployment."""
        self._heirs.drop_upcoming(schedules)

    def prepare(self, changes: Sequence[Change]) -> None:
        """Before a write: the limits that keep runs apart are there when the first claim asks for them.

        One that is made in vain changes nothing, since only a schedule that forbids overlap is asked for it.
        """
        for change in changes:
            if _keeps_apart(change.after):
                self._ports.slots.make(schedule_limit(change.after.deployment_id, change.after.slug), 1)

    def follow_up(self, deployment: Deployment, changes: Sequence[Change]) -> None:
        """After a write: what the old revisions had made becomes the new ones' or goes, and what they lack is made.

        So are the limits: whoever had lifted one by the revision before may have removed it only now.
        """
        self.prepare(changes)
        for change in changes:
            if change.before and _keeps_apart(change.before) and not _keeps_apart(change.after):
                self._ports.slots.remove_of(change.after)
        old = [change.before for change in changes if change.before]
        self._heirs.hand_over(deployment, old, [change.after for change in changes])

    def _wanted(
        self, deployment: Deployment, slug: str, wish: Wish, before: ScheduleRecord | None, path: str
    ) -> ScheduleRecord | None:
        """The record as wished, or None if it is so already. A wish says the whole schedule, not a change."""
        now = self._ports.clock()
        made = before.created if before and not before.deleted else now
        options = {**wish.options, "active": wish.is_active(before)}
        record = ScheduleRecord(
            deployment_id=deployment.id,
            slug=slug,
            created=made,
            updated=now,
            spec=wish.spec,
            **options,  # type: ignore[arg-type]
        )
        schedule_checks.check(deployment, record, path)
        if before is None:
            return record
        same = replace(record, revision=before.revision, updated=before.updated, next_due=before.next_due)
        if same == before:
            return None
        return replace(record, revision=before.revision + 1)

    def _apply(self, deployment: Deployment, changes: Sequence[Change], by: By) -> None:
        """Write the changes; together with the deployment's next version, unless they only pause or resume."""
        if not changes:
            return
        known = self._ports.deployments.schedules(deployment.id)
        old, new = (
            versions.define(deployment, versions.described(records))
            for records in (known, overlaid(known, changes))
        )
        version = next_version(self._ports, deployment.id, deployment, old, new, by)
        if version is not None and deployment.pinned:
            raise _pinned(deployment)
        self.prepare(changes)
        after = [change.after for change in changes]
        if version is None:
            written = self._ports.deployments.write_schedules(after)
        else:
            number = version.version.number
            changed = replace(
                deployment,
                version_number=number,
                latest_version_number=number,
                updated=self._ports.clock(),
                revision=deployment.revision + 1,
            )
            written = self._ports.deployments.write(changed, deployment, after, version)
        if not written:
            raise Raced
        self.follow_up(deployment, changes)


def _keeps_apart(schedule: ScheduleRecord) -> bool:
    return not schedule.deleted and schedule.overlap != "allow"


def _pinned(deployment: Deployment) -> Conflict:
    return Conflict(
        f"Deployment {deployment.full_name!r} is pinned at version {deployment.version_number}: "
        "its schedules stay as they are there.",
        code="pinned",
        hint=f"`headrace deployment unpin {deployment.full_name}` first; they can be paused and resumed.",
    )
