"""Puts a definition in force: the deployment, its limit, its schedules and its new version in one transaction.

A deploy that changes nothing writes nothing. While a deployment is pinned, what is deployed becomes the next
version and nothing else; pauses are lifted and set at any time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chalicelib.domain import schedule_checks, versions
from chalicelib.domain.deployments import Deployment
from chalicelib.domain.errors import HeadraceError
from chalicelib.domain.limits import deployment_limit
from chalicelib.domain.versions import Definition, NewVersion
from chalicelib.services.checks import Checks
from chalicelib.services.limits import Limits
from chalicelib.services.lines import Lines
from chalicelib.services.numbering import By, Raced, definition_of, next_version
from chalicelib.services.ports import Ports
from chalicelib.services.schedules import Schedules
from chalicelib.services.wishes import Change, Wish, overlaid, pauses


class Definitions:
    """The only writer of deployments' definitions, beside the routes of single schedules."""

    def __init__(self, ports: Ports, limits: Limits, lines: Lines, schedules: Schedules) -> None:
        self._ports = ports
        self._checks = Checks(ports, schedules)
        self._limits = limits
        self._lines = lines
        self._schedules = schedules

    def refusals(self, wanted: Deployment, wishes: Sequence[Wish]) -> list[HeadraceError]:
        """Why a new deployment with these schedules would be refused: every reason; nothing is written."""
        return self._checks.refusals(wanted, wishes)

    def base(self, before: Deployment) -> Deployment:
        """What a partial change builds upon: the latest version, also where an older one is pinned."""
        if not before.pinned:
            return before
        return versions.restored(before, definition_of(self._ports, before, before.latest_version_number))

    def deploy(
        self, wanted: Deployment, before: Deployment | None, wishes: Sequence[Wish] | None, by: By
    ) -> Deployment:
        """Bring a deployment up to what is wanted; without wishes its schedules stay. Raises `Raced`."""
        wanted = self._checks.passed(wanted)
        if before is not None and before.pinned:
            return self._record(wanted, before, wishes, by)
        planned, old, new = self._planned(wanted, before, wishes)
        version = next_version(self._ports, wanted.id, before, old, new, by)
        if version is not None:
            wanted = _numbered(wanted, version.version.number)
        elif before is not None:
            wanted = _unchanged(wanted, before)
            if wanted == before and not planned:
                return before
        return self._write(wanted, before, planned, version)

    def pause(self, before: Deployment, paused: bool) -> Deployment:
        """Pause or resume, and nothing else: also one that would not pass its pool's checks any more."""
        if before.paused == paused:
            return before
        return self._write(replace(before, paused=paused), before, [], None)

    def point(self, before: Deployment, number: int, *, pinned: bool) -> Deployment:
        """Put an existing version in force, as it is. Raises `Raced`."""
        if (before.version_number, before.pinned) == (number, pinned):
            return before
        wanted = before
        planned: list[Change] = []
        if number != before.version_number:
            definition = definition_of(self._ports, before, number)
            wanted = self._checks.passed(versions.restored(before, definition))
            planned = self._planned(wanted, before, schedules_of(definition))[0]
        wanted = replace(wanted, version_number=number, pinned=pinned)
        return self._write(wanted, before, planned, None)

    def _planned(
        self, wanted: Deployment, before: Deployment | None, wishes: Sequence[Wish] | None
    ) -> tuple[list[Change], Definition, Definition]:
        """Changes of schedules, and the definitions before and after."""
        known = self._ports.deployments.schedules(wanted.id, tombstones=True)
        planned = self._schedules.plan(wanted, wishes, known) if wishes is not None else []
        after = overlaid(known, planned)
        if wanted.work_pool_name is None and before and before.work_pool_name and wishes is None:
            schedule_checks.refuse_without_pool(after)
        elif before and wishes is None:
            schedule_checks.check_kept(wanted, before, after)
        old = versions.define(before or wanted, versions.described(known))
        new = versions.define(wanted, versions.described(after))
        if before and versions.makes_other_runs(old, new):
            planned += self._schedules.renewals(known, planned)
        return self._schedules.timed(planned), old, new

    def _record(
        self, wanted: Deployment, before: Deployment, wishes: Sequence[Wish] | None, by: By
    ) -> Deployment:
        """The next version of a pinned deployment: what runs stays."""
        old = definition_of(self._ports, before, before.latest_version_number)
        if wishes is None:
            wishes = schedules_of(old)
        after = self._schedules.imagined(wanted, wishes)
        new = versions.define(wanted, versions.described(after))
        version = next_version(self._ports, before.id, before, old, new, by)
        latest = version.version.number if version else before.latest_version_number
        live = replace(before, paused=wanted.paused, latest_version_number=latest)
        known = self._ports.deployments.schedules(before.id, tombstones=True)
        planned = pauses(wishes, after, known, old["schedules"])
        for change in planned:
            if not change.after.deleted:
                schedule_checks.check(before, change.after, f"schedules.{change.after.slug}")
        if live == before and not planned:
            return before
        return self._write(live, before, self._schedules.timed(planned), version)

    def _write(
        self,
        wanted: Deployment,
        before: Deployment | None,
        planned: Sequence[Change],
        version: NewVersion | None,
    ) -> Deployment:
        now = self._ports.clock()
        since = (before.paused_since if before and before.paused else None) or now
        wanted = replace(
            wanted,
            updated=now,
            paused_since=since if wanted.paused else None,
            other_pools=self._other_pools(wanted, before),
            revision=before.revision + 1 if before else 1,
        )
        self._schedules.prepare(planned)
        changed = [change.after for change in planned]
        if not self._ports.deployments.write(wanted, before, changed, version):
            raise Raced
        old = before.concurrency_limit if before else None
        limit = deployment_limit(wanted.id)
        self._limits.follow(wanted.work_pool_name or "", limit, old, wanted.concurrency_limit)
        self._schedules.follow_up(wanted, planned)
        if before and before.paused and not wanted.paused:
            self._lines.promote([limit])
        return wanted

    def _other_pools(self, wanted: Deployment, before: Deployment | None) -> Sequence[str]:
        """Where its runs may be beside its pool: those made before a move stay, unless a schedule made them."""
        if before is None or wanted.work_pool_name == before.work_pool_name:
            return before.other_pools if before else ()
        left = [name for name in before.pools if name != wanted.work_pool_name]
        return tuple(pool.name for pool in self._ports.pools.pools(left))


def schedules_of(definition: Definition) -> list[Wish]:
    """The schedules of a definition, as wishes; whether one is active is left to what is known of it."""
    return [
        Wish(
            spec=said["schedule"],
            slug=slug,
            options={name: said[name] for name in versions.SCHEDULE_OPTIONS},
        )
        for slug, said in definition["schedules"].items()
    ]


def _numbered(wanted: Deployment, number: int) -> Deployment:
    return replace(wanted, version_number=number, latest_version_number=number, pinned=False)


def _unchanged(wanted: Deployment, before: Deployment) -> Deployment:
    """The same definition: what is left is whether it is paused, and the address of its queue."""
    return replace(before, paused=wanted.paused, work_queue_url=wanted.work_queue_url)
