"""Flows and deployments: made, changed, paused, deleted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from chalicelib.domain import job_templates, parameters
from chalicelib.domain.deployments import Deployment, Flow, ScheduleRecord
from chalicelib.domain.eligibility import deployment_limit
from chalicelib.domain.errors import Conflict, FieldProblem, Invalid, NotFound
from chalicelib.domain.names import DEFAULT_QUEUE, deployment_id
from chalicelib.domain.runs import Run
from chalicelib.services.limits import Limits
from chalicelib.services.lines import Lines
from chalicelib.services.pools import no_queue
from chalicelib.services.ports import Ports
from chalicelib.services.schedules import Schedules, Wish
from chalicelib.services.waiting import Fate, Waiting
from chalicelib.services.workers import no_pool
from chalicelib.storage.runs import line_lane, ready_lane


class Deployments:
    """Use cases of flows and deployments."""

    def __init__(
        self, ports: Ports, limits: Limits, lines: Lines, waiting: Waiting, schedules: Schedules
    ) -> None:
        self._ports = ports
        self._limits = limits
        self._lines = lines
        self._waiting = waiting
        self._schedules = schedules

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
        self, flow_id: UUID, name: str, values: Mapping[str, object], wishes: Sequence[Wish] | None
    ) -> tuple[Deployment, bool]:
        """A deployment by flow and name: made (True), or brought up to these values (False)."""
        flow = self.flow(flow_id)
        now = self._ports.clock()
        before = self._ports.deployments.read(deployment_id(flow.name, name))
        fresh = Deployment(flow.name, name, before.created if before else now, now, **values)  # type: ignore[arg-type]
        return self._write(fresh, before, wishes), before is None

    def update(
        self, deployment: UUID, changes: Mapping[str, object], wishes: Sequence[Wish] | None
    ) -> Deployment:
        """Change the members given. Raises `NotFound`, `Invalid`."""
        before = self.read(deployment)
        if changes.get("work_pool_name") != before.work_pool_name and "work_pool_name" in changes:
            changes = {"work_queue_name": None, **changes}
        return self._write(replace(before, **changes, updated=self._ports.clock()), before, wishes)  # type: ignore[arg-type]

    def read(self, deployment: UUID) -> Deployment:
        """A deployment by id; raises `NotFound`."""
        found = self._ports.deployments.read(deployment)
        if found is None:
            raise NotFound(
                f"There is no deployment {deployment}.", hint="`headrace deployment ls` lists them."
            )
        return found

    def read_by_name(self, flow: str, name: str) -> Deployment:
        """A deployment by names; raises `NotFound`."""
        found = self._ports.deployments.read(deployment_id(flow, name))
        if found is None:
            raise NotFound(
                f"There is no deployment {f'{flow}/{name}'!r}.", hint="`headrace deployment ls` lists them."
            )
        return found

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
        """Delete a deployment. Waiting runs: refused, or cancelled. Its schedules' coming runs just go."""
        deployment = self.read(deployment_id)
        if fate.move_to:
            problem = FieldProblem(
                "move_to", "runs of a deployment cannot be moved to another", "cancel_runs"
            )
            raise Invalid("Runs of a deployment cannot be moved.", errors=[problem])
        schedules = self._ports.deployments.schedules(deployment.id)
        coming = self._schedules.coming(schedules)
        limit = deployment_limit(deployment.id)
        kept = (run for run in self.waiting_runs(deployment) if run.id not in coming)
        self._waiting.settle(f"Deployment {deployment.full_name!r}", kept, fate)
        self._schedules.withdraw(schedules)
        now = self._ports.clock()
        tombstones = [
            replace(
                schedule,
                deleted=True,
                active=False,
                next_due=None,
                updated=now,
                revision=schedule.revision + 1,
            )
            for schedule in schedules
        ]
        if not self._ports.deployments.delete(deployment, tombstones):
            raise Conflict("The deployment changed at the same moment.", code="busy", hint="Try again.")
        self._schedules.withdraw(schedules)
        self._lines.promote([limit])

    def waiting_runs(self, deployment: Deployment) -> Iterator[Run]:
        """Its runs that wait: in any queue of its pool, or in a line."""
        view = self._ports.pools.view(deployment.work_pool_name) if deployment.work_pool_name else None
        lanes = [line_lane(deployment_limit(deployment.id))]
        if view is None:
            found = self._waiting.in_bare_lanes(lanes)
        else:
            lanes = [ready_lane(view.pool.name, queue) for queue in view.queues]
            found = self._waiting.in_lanes(lanes, pool=view.pool.name)
        return (run for run in found if run.deployment_id == deployment.id)

    def _write(
        self, deployment: Deployment, before: Deployment | None, wishes: Sequence[Wish] | None
    ) -> Deployment:
        now = self._ports.clock()
        deployment = replace(
            self._checked(deployment),
            paused_since=(deployment.paused_since or now) if deployment.paused else None,
            revision=before.revision + 1 if before else 1,
        )
        planned = self._schedules.plan(deployment, wishes) if wishes is not None else []
        self._schedules.prepare(planned)
        if wishes is None and before and before.work_pool_name and not deployment.work_pool_name:
            self._schedules.refuse_without_pool(deployment)
        if not self._ports.deployments.write(deployment, before, [change.after for change in planned]):
            raise Conflict("The deployment changed at the same moment.", code="busy", hint="Try again.")
        old = before.concurrency_limit if before else None
        limit = deployment_limit(deployment.id)
        self._limits.follow(deployment.work_pool_name or "", limit, old, deployment.concurrency_limit)
        self._schedules.follow_up(deployment, planned)
        if before and before.paused and not deployment.paused:
            self._lines.promote([limit])
        return deployment

    def _checked(self, deployment: Deployment) -> Deployment:
        """Everything that can be known to be wrong before the first run. Raises `Invalid` or `NotFound`."""
        if deployment.parameter_openapi_schema:
            parameters.check_schema(deployment.parameter_openapi_schema)
        parameters.check_size(deployment.parameters, "parameters")
        if deployment.work_pool_name is None:
            return replace(deployment, work_queue_name=None, work_queue_url=None)
        view = self._ports.pools.view(deployment.work_pool_name)
        if view is None:
            raise no_pool(deployment.work_pool_name)
        queue = deployment.work_queue_name or DEFAULT_QUEUE
        if queue not in view.queues:
            raise no_queue(deployment.work_pool_name, queue)
        if view.pool.base_job_template:
            job_templates.check_variables(view.pool.base_job_template, deployment.job_variables)
        return replace(deployment, work_queue_name=queue, work_queue_url=view.queues[queue].url)

    def schedules(self, deployment: UUID) -> list[ScheduleRecord]:
        """The schedules of a deployment."""
        return self._ports.deployments.schedules(deployment)
