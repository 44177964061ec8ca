"""Schedules as somebody wants them, and the changes that bring them about: plain values."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from chalicelib.domain.deployments import ScheduleRecord
from chalicelib.domain.errors import FieldProblem, Invalid
from headrace.contract.slugs import free_slug

MOST_SCHEDULES = 40
"""Of a deployment: one transaction replaces them all, of at most 100 writes (AWS, TransactWriteItems)."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A schedule as somebody wants it; without a slug it gets one from its kind and place.

    Its option `active` may be None: a schedule that is there stays as it is, any other is active. Without that
    option even one that was removed is as it was.
    """

    spec: Mapping[str, object]
    slug: str | None = None
    replaces: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)

    def is_active(self, before: ScheduleRecord | None) -> bool:
        """Whether the schedule is to be active, with what is known of it."""
        said = self.options.get("active")
        if said is not None:
            return bool(said)
        if before is None or (before.deleted and "active" in self.options):
            return True
        return before.active


@dataclass(frozen=True, slots=True)
class Change:
    """A schedule before (None: new) and after."""

    before: ScheduleRecord | None
    after: ScheduleRecord


def overlaid(known: Sequence[ScheduleRecord], changes: Sequence[Change]) -> list[ScheduleRecord]:
    """Schedules as they are after these changes, tombstones left out."""
    after = {record.slug: record for record in known} | {
        change.after.slug: change.after for change in changes
    }
    return [record for record in after.values() if not record.deleted]


def pauses(
    wishes: Sequence[Wish],
    imagined: Sequence[ScheduleRecord],
    known: Sequence[ScheduleRecord],
    coming: Container[str],
) -> list[Change]:
    """What wishes for a pinned deployment change at once: whether schedules are active.

    Versions do not say that. So a schedule that only comes with a later version is known already, as one that was
    removed, if it is to be paused then. `imagined` are the wishes as records, in the same order, `known` those there
    are, tombstones included, and `coming` the slugs of the latest version.
    """
    there = {record.slug: record for record in known}
    changes = []
    for wish, record in zip(with_slugs(wishes).values(), imagined, strict=True):
        before = there.get(record.slug)
        if before is None:
            if not record.active:
                changes.append(Change(None, replace(record, deleted=True)))
            continue
        active = wish.is_active(replace(before, deleted=before.deleted and record.slug not in coming))
        if active != before.active:
            changes.append(Change(before, replace(before, active=active, revision=before.revision + 1)))
    return changes


def refuse_too_many(count: int) -> None:
    """Raise `Invalid` for more schedules than a deployment may have."""
    if count > MOST_SCHEDULES:
        problem = FieldProblem("schedules", f"would be {count}", f"at most {MOST_SCHEDULES}")
        raise Invalid(f"A deployment has at most {MOST_SCHEDULES} schedules.", errors=[problem])


def with_slugs(wishes: Sequence[Wish], taken: Iterable[str] = ()) -> dict[str, Wish]:
    """Slugs for all: given ones, else the kind, numbered from its second on. Raises `Invalid` for a repeat."""
    result: dict[str, Wish] = {}
    given = {wish.slug for wish in wishes if wish.slug} | set(taken)
    for index, wish in enumerate(wishes):
        slug = wish.slug or free_slug(wish.spec, given | result.keys())
        if slug in result:
            problem = FieldProblem(
                f"schedules.{index}.slug", f"{slug!r} is given twice", "one schedule a slug"
            )
            raise Invalid(f"Two schedules have the slug {slug!r}.", errors=[problem])
        result[slug] = wish
    return result
