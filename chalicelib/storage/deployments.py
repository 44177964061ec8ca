"""Flows, deployments and their schedules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from pynamodb.expressions.condition import Condition

from chalicelib.domain.deployments import Deployment, Flow, ScheduleRecord
from chalicelib.domain.limits import deployment_limit, schedule_limit
from chalicelib.domain.names import stamp
from chalicelib.domain.versions import NewVersion
from chalicelib.storage import documents, versions
from chalicelib.storage.documents import Codec, Transaction
from chalicelib.storage.slots import declare
from chalicelib.storage.table import Item

_FLOW = Codec(Flow)
_DEPLOYMENT = Codec(Deployment)
_SCHEDULE = Codec(ScheduleRecord)
DUE_SHARDS = 4


class DeploymentStore:
    """Reads and conditional writes of flows, deployments and schedules."""

    def flow(self, flow: UUID) -> Flow | None:
        """A flow by id."""
        item = documents.get((f"FLOW#{flow}", "FLOW"))
        return _FLOW.load(item.doc) if item else None

    def create_flow(self, flow: Flow) -> bool:
        """A new flow. False if there is one of that name."""
        key = (f"FLOW#{flow.id}", "FLOW")
        return documents.put_new(Item(*key, lane="CATALOGUE#FLOW", lane_at=flow.name, doc=_FLOW.dump(flow)))

    def flow_names(self, after: str | None, limit: int) -> tuple[list[tuple[UUID, str]], bool]:
        """(id, name) of flows in order of name."""
        return self._catalogue("FLOW", after, limit)

    def flows(self, ids: Sequence[UUID]) -> list[Flow]:
        """Flows by id; those that do not exist are left out."""
        found = documents.get_many((f"FLOW#{flow}", "FLOW") for flow in ids)
        return [_FLOW.load(found[key].doc) for flow in ids if (key := (f"FLOW#{flow}", "FLOW")) in found]

    def read(self, deployment: UUID, consistent: bool = True) -> Deployment | None:
        """A deployment by id."""
        item = documents.get(_key(deployment), consistent)
        return _DEPLOYMENT.load(item.doc) if item else None

    def read_many(self, ids: Iterable[UUID]) -> dict[UUID, Deployment]:
        """Deployments by id, read consistently; those that do not exist are left out."""
        found = documents.get_many(_key(deployment) for deployment in ids)
        values = (_DEPLOYMENT.load(item.doc) for item in found.values())
        return {deployment.id: deployment for deployment in values}

    def names(self, after: str | None, limit: int, prefix: str = "") -> tuple[list[tuple[UUID, str]], bool]:
        """(id, full name) of deployments in order of full name."""
        return self._catalogue("DEPLOYMENT", after, limit, prefix)

    def write(
        self,
        deployment: Deployment,
        before: Deployment | None,
        schedules: Sequence[ScheduleRecord],
        version: NewVersion | None = None,
    ) -> bool:
        """A deployment, new or over an earlier one, with its limit, its changed schedules and its new version.

        One that is resumed is noted like one whose limit is removed: runs may wait in its line.

        False if it lost a race. Raises `TooLarge` for a version that does not fit.
        """
        write = Transaction()
        write.put(_item(deployment), _expected(before))
        is_resumed = before is not None and before.paused and not deployment.paused
        if is_resumed or deployment.concurrency_limit != (before.concurrency_limit if before else None):
            declare(write, {deployment_limit(deployment.id): deployment.concurrency_limit})
        for schedule in schedules:
            write.put(_schedule_item(schedule), _schedule_expected(schedule))
        if version is not None:
            versions.add(write, version)
        return write.commit()

    def delete(self, deployment: Deployment, schedules: Sequence[ScheduleRecord]) -> bool:
        """Delete a deployment with its limits and those that keep the runs of its schedules apart.

        Its schedules stay as tombstones, so that their revisions never start again.
        """
        write = Transaction()
        write.delete(_item(deployment), Item.rev == deployment.revision)
        if deployment.concurrency_limit is not None or deployment.paused:
            declare(write, {deployment_limit(deployment.id): None})
        for schedule in schedules:
            write.put(_schedule_item(schedule), _schedule_expected(schedule))
            if schedule.overlap != "allow":
                declare(write, {schedule_limit(deployment.id, schedule.slug): None})
        return write.commit()

    def schedules(self, deployment: UUID, tombstones: bool = False) -> list[ScheduleRecord]:
        """Schedules of a deployment, by slug."""
        items = documents.partition(f"DEPLOYMENT#{deployment}", ("SCHEDULE#", "SCHEDULE$"))
        found = [_SCHEDULE.load(item.doc) for item in items]
        return [schedule for schedule in found if tombstones or not schedule.deleted]

    def schedule(self, deployment: UUID, slug: str) -> ScheduleRecord | None:
        """A schedule by slug, tombstones included."""
        return self.schedules_by_slug([(deployment, slug)]).get((deployment, slug))

    def schedules_by_slug(self, slugs: Iterable[tuple[UUID, str]]) -> dict[tuple[UUID, str], ScheduleRecord]:
        """Schedules by deployment and slug, read consistently, tombstones included."""
        found = documents.get_many((f"DEPLOYMENT#{owner}", f"SCHEDULE#{slug}") for owner, slug in slugs)
        values = (_SCHEDULE.load(item.doc) for item in found.values())
        return {(schedule.deployment_id, schedule.slug): schedule for schedule in values}

    def write_schedules(self, schedules: Sequence[ScheduleRecord]) -> bool:
        """Write schedules, each over the revision before its own (or anew), all or none.

        False if one lost a race.
        """
        write = Transaction()
        for schedule in schedules:
            write.put(_schedule_item(schedule), _schedule_expected(schedule))
        return write.commit()

    def advance(self, schedule: ScheduleRecord, next_due: datetime | None) -> None:
        """Move a schedule's next due time, if it is still of this revision."""
        item = _schedule_item(replace(schedule, next_due=next_due))
        documents.replace(item, schedule.revision)

    def due_schedules(self, until: datetime, limit: int) -> list[tuple[UUID, str]]:
        """(deployment, slug) of active schedules whose next time has come, earliest first, so many of each shard."""
        found: list[tuple[documents.Key, str]] = []
        for shard in range(DUE_SHARDS):
            page = documents.index_page(Item.lane_index, f"DUE#{shard}", high=f"{stamp(until)}~", limit=limit)
            found += page.rows
        keys = [key for key, _ in sorted(found, key=lambda row: row[1])]
        return [(UUID(pk.removeprefix("DEPLOYMENT#")), sk.removeprefix("SCHEDULE#")) for pk, sk in keys]

    def _catalogue(
        self, kind: str, after: str | None, limit: int, prefix: str = ""
    ) -> tuple[list[tuple[UUID, str]], bool]:
        low = f"{after}\x00" if after else (prefix or " ")
        high = f"{prefix}\U0010ffff"
        page = documents.index_page(Item.lane_index, f"CATALOGUE#{kind}", low=low, high=high, limit=limit)
        return [(UUID(key[0].partition("#")[2]), name) for key, name in page.rows], page.more


def _key(deployment: UUID) -> tuple[str, str]:
    return f"DEPLOYMENT#{deployment}", "DEPLOYMENT"


def _item(deployment: Deployment) -> Item:
    return Item(
        *_key(deployment.id),
        lane="CATALOGUE#DEPLOYMENT",
        lane_at=deployment.full_name,
        rev=deployment.revision,
        doc=_DEPLOYMENT.dump(deployment),
    )


def _expected(before: Deployment | None) -> Condition:
    return Item.rev == before.revision if before else Item.pk.does_not_exist()


def _schedule_item(schedule: ScheduleRecord) -> Item:
    item = Item(
        f"DEPLOYMENT#{schedule.deployment_id}",
        f"SCHEDULE#{schedule.slug}",
        rev=schedule.revision,
        doc=_SCHEDULE.dump(schedule),
    )
    if schedule.active and not schedule.deleted and schedule.next_due:
        item.lane = f"DUE#{schedule.id.int % DUE_SHARDS}"
        item.lane_at = f"{stamp(schedule.next_due)}#{schedule.id}"
    return item


def _schedule_expected(schedule: ScheduleRecord) -> Condition:
    if schedule.revision == 1:
        return Item.pk.does_not_exist()
    return Item.rev == schedule.revision - 1
