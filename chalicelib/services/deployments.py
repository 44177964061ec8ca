"""Flows and deployments: made, changed, paused, deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from chalicelib.domain.deployments import Deployment, Flow, ScheduleRecord
from chalicelib.domain.errors import Conflict, FieldProblem, HeadraceError, Invalid, NotFound
from chalicelib.domain.limits import deployment_limit
from chalicelib.domain.names import deployment_id
from chalicelib.services.active import active_runs
from chalicelib.services.definitions import Definitions
from chalicelib.services.lines import Lines
from chalicelib.services.numbering import By, again, deployment_of
from chalicelib.services.ports import Ports
from chalicelib.services.schedules import Schedules
from chalicelib.services.waiting import Fate, Waiting, unfinished
from chalicelib.services.wishes import Wish


class Deployments:
    """Use cases of flows and deployments."""

    def __init__(
        self, ports: Ports, lines: Lines, waiting: Waiting, schedules: Schedules, definitions: Definitions
    ) -> None:
        self._ports = ports
        self._lines = lines
        self._waiting = waiting
        self._schedules = schedules
        self._definitions = definitions

    def upsert_flow(self, name: str, tags: Sequence[str], labels: Mapping[str, object]) -> tuple[Flow, bool]:
        """A flow by name: made (True) or found (False)."""
        now = self._ports.clock()
        flow = Flow(name, now, now, tuple(tags), labels)
        if self._ports.deployments.create_flow(flow):
            return flow, True
        return self.flow(flow.id), False

    def flow(self, flow: UUID) -> Flow:
        """A flow by id; raises `NotFound`."""
        found = self._ports.deployments.flow(flow)
        if found is None:
            raise NotFound(f"There is no flow {flow}.", hint="`headrace flow ls` lists them.")
        return found

    def flows(self, after: str | None, limit: int, skip: int = 0) -> tuple[list[Flow], str | None]:
        """A page of flows by name, and where to go on."""
        rows, more = self._ports.deployments.flow_names(after, skip + limit)
        found = self._ports.deployments.flows([flow for flow, _ in rows[skip:]])
        return found, rows[-1][1] if more and rows else None

    def flows_by_id(self, ids: Sequence[UUID]) -> list[Flow]:
        """Flows by id; those that do not exist are left out."""
        return self._ports.deployments.flows(ids)

    def upsert(
        self, flow_id: UUID, name: str, values: Mapping[str, object], wishes: Sequence[Wish] | None, by: By
    ) -> tuple[Deployment, bool]:
        """A deployment by flow and name: made (True), or brought up to these values (False).

        One that is paused stays so, unless the values say otherwise.
        """
        flow = self.flow(flow_id)

        def change() -> tuple[Deployment, bool]:
            now = self._ports.clock()
            before = self._ports.deployments.read(deployment_id(flow.name, name))
            kept = {"paused": before.paused} if before else {}
            said = {**kept, **values}
            fresh = Deployment(flow.name, name, before.created if before else now, now, **said)  # type: ignore[arg-type]
            return self._definitions.deploy(fresh, before, wishes, by), before is None

        return again(change)

    def refusals(
        self, name: str, values: Mapping[str, object], wishes: Sequence[Wish]
    ) -> list[HeadraceError]:
        """Why a deployment of any flow would be refused, all reasons at once; nothing is written."""
        now = self._ports.clock()
        return self._definitions.refusals(Deployment("", name, now, now, **values), wishes)  # type: ignore[arg-type]

    def update(
        self, deployment: UUID, changes: Mapping[str, object], wishes: Sequence[Wish] | None, by: By
    ) -> Deployment:
        """Change the members given. Raises `NotFound`, `Invalid`."""

        def change() -> Deployment:
            before = self.read(deployment)
            if wishes is None and changes.keys() == {"paused"}:
                return self._definitions.pause(before, bool(changes["paused"]))
            base = self._definitions.base(before)
            moves = "work_pool_name" in changes and changes["work_pool_name"] != base.work_pool_name
            queue: dict[str, object] = {"work_queue_name": None} if moves else {}
            wanted = replace(base, **{**queue, **changes})  # type: ignore[arg-type]
            return self._definitions.deploy(wanted, before, wishes, by)

        return again(change)

    def read(self, deployment: UUID) -> Deployment:
        """A deployment by id; raises `NotFound`."""
        return deployment_of(self._ports, deployment)

    def read_by_name(self, flow: str, name: str) -> Deployment:
        """A deployment by names; raises `NotFound`."""
        return deployment_of(self._ports, deployment_id(flow, name), f"{flow}/{name}")

    def page(
        self, after: str | None, limit: int, flows: Sequence[str] | None = None, skip: int = 0
    ) -> tuple[list[Deployment], str | None]:
        """A page of deployments by full name (of these flows), and where to go on."""
        rows, more = self._names(after, skip + limit, flows)
        found = self._ports.deployments.read_many([identity for identity, _ in rows[skip:]])
        return list(found.values()), rows[-1][1] if more and rows else None

    def _names(
        self, after: str | None, limit: int, flows: Sequence[str] | None
    ) -> tuple[list[tuple[UUID, str]], bool]:
        if flows is None:
            return self._ports.deployments.names(after, limit)
        rows: list[tuple[UUID, str]] = []
        for prefix in sorted(f"{flow}/" for flow in flows):
            is_done = after is not None and after > prefix and not after.startswith(prefix)
            if is_done:
                continue
            start = after if after and after.startswith(prefix) else None
            rows += self._ports.deployments.names(start, limit - len(rows), prefix)[0]
            if len(rows) >= limit:
                return rows, True
        return rows, False

    def by_ids(self, ids: Sequence[UUID]) -> list[Deployment]:
        """Deployments by id; those that do not exist are left out."""
        found = self._ports.deployments.read_many(ids)
        return [found[identity] for identity in ids if identity in found]

    def delete(self, deployment_id: UUID, fate: Fate) -> None:
        """Delete a deployment. Runs that wait or go on: refused, or cancelled. Its schedules' coming runs just go."""
        deployment = self.read(deployment_id)
        if fate.move_to:
            problem = FieldProblem(
                "move_to", "runs of a deployment cannot be moved to another", "cancel_runs"
            )
            raise Invalid("Runs of a deployment cannot be moved.", errors=[problem])
        schedules = self._ports.deployments.schedules(deployment.id)
        limit = deployment_limit(deployment.id)
        until = self._waiting.deadline()
        self._end_active(deployment, fate, until)
        kept = (run for run in self._waiting.of_deployment(deployment) if not run.is_untouched_occurrence)
        self._waiting.settle(f"Deployment {deployment.full_name!r}", kept, fate, until=until)
        self._drop_untouched(deployment, until)
        self._schedules.withdraw(schedules)
        tombstones = [self._schedules.tombstone(schedule) for schedule in schedules]
        if not self._ports.deployments.delete(deployment, tombstones):
            raise Conflict("The deployment changed at the same moment.", code="busy", hint="Try again.")
        self._schedules.withdraw(schedules)
        self._lines.promote([limit])

    def _end_active(self, deployment: Deployment, fate: Fate, until: datetime) -> None:
        """What workers hold: tried again, it would find its deployment gone, and hide why it had failed."""
        found = (run for pool in deployment.pools for run in active_runs(self._ports, pool))
        mine = (run for run in found if run.deployment_id == deployment.id)
        hint = "Wait for them, or say --cancel-runs. One that is retried would find its deployment gone."
        self._waiting.end_active(f"Deployment {deployment.full_name!r}", mine, fate, until, hint)

    def _drop_untouched(self, deployment: Deployment, until: datetime) -> None:
        count = 0
        for run in self._waiting.of_deployment(deployment):
            count += run.is_untouched_occurrence and self._ports.runs.delete(run)
            if self._ports.clock() > until:
                raise unfinished(f"Deployment {deployment.full_name!r}", count, "deleted")

    def schedules(self, deployment: UUID) -> list[ScheduleRecord]:
        """The schedules of a deployment."""
        return self._ports.deployments.schedules(deployment)
