"""Deployments, their schedules, and starting a run of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import RootModel

from headrace.client.resource import Made, Page, Resource, at
from headrace.client.transport import Query
from headrace.contract.bulk_runs import BulkAnswer, BulkCreate
from headrace.contract.deployments import (
    Deployment,
    DeploymentCheck,
    DeploymentCreate,
    DeploymentList,
    DeploymentUpdate,
    Refusal,
)
from headrace.contract.flow_runs import FlowRun, FlowRunCreate
from headrace.contract.schedules import (
    MOST_OCCURRENCES,
    Occurrence,
    Schedule,
    ScheduleCreate,
    SchedulePreview,
    ScheduleTimes,
    ScheduleUpdate,
)
from headrace.contract.work_pools import DeleteOptions


class Deployments(Resource):
    """`/deployments`."""

    def create(self, body: DeploymentCreate) -> Made[Deployment]:
        """Make a deployment, or bring the one of that name up to this."""
        return self._make(Deployment, "/deployments/", body, safe=True)

    def check(self, body: DeploymentCheck) -> Sequence[Refusal]:
        """Why these would be refused; those that would be taken are left out. Nothing is made."""
        refused: list[Refusal] = self._post(list[Refusal], "/deployments/check", body, safe=True)
        return refused

    def read(self, deployment_id: UUID) -> Deployment:
        """One deployment, by id."""
        return self._get(Deployment, at("deployments", deployment_id))

    def read_by_name(self, full_name: str) -> Deployment:
        """One deployment, by `flow-name/deployment-name`."""
        flow, _, name = full_name.partition("/")
        return self._get(Deployment, at("deployments", "name", flow, name))

    def list(self, request: DeploymentList | None = None) -> Page[Deployment]:
        """A page of deployments."""
        return self._page(Deployment, "/deployments/filter", request or DeploymentList())

    def update(self, deployment_id: UUID, body: DeploymentUpdate) -> None:
        """Change the members given."""
        self._patch(at("deployments", deployment_id), body)

    def pause(self, deployment_id: UUID) -> None:
        """Start no run of it any more."""
        self.update(deployment_id, DeploymentUpdate.model_validate({"paused": True}))

    def resume(self, deployment_id: UUID) -> None:
        """Start its runs again."""
        self.update(deployment_id, DeploymentUpdate.model_validate({"paused": False}))

    def skip_late(self, deployment_id: UUID) -> int:
        """End its late runs as Skipped; how many."""
        return self._skip_late(at("deployments", deployment_id, "skip_late"))

    def delete(self, deployment_id: UUID, options: DeleteOptions | None = None) -> None:
        """Delete a deployment; refused while runs of it wait, unless `options` say what becomes of them."""
        query = options.model_dump(exclude_unset=True) if options else {}
        self._delete_whole(at("deployments", deployment_id), **query)

    def run(self, deployment_id: UUID, body: FlowRunCreate) -> Made[FlowRun]:
        """Create a run of it. With an idempotency key the call is repeated when its answer is lost."""
        path = at("deployments", deployment_id, "create_flow_run")
        return self._make(FlowRun, path, body, safe=body.idempotency_key is not None, compress=True)

    def run_many(self, deployment_id: UUID, body: BulkCreate) -> BulkAnswer:
        """Create up to 1,000 runs of it; repeated when its answer is lost, since each has a key."""
        path = at("deployments", deployment_id, "create_flow_runs")
        answer: BulkAnswer = self._post(BulkAnswer, path, body, safe=True, compress=True)
        return answer


class Schedules(Resource):
    """`/deployments/{id}/schedules`."""

    def all(self, deployment_id: UUID) -> list[Schedule]:
        """All schedules of a deployment."""
        return self._get(list[Schedule], at("deployments", deployment_id, "schedules"))

    def create(self, deployment_id: UUID, schedules: list[ScheduleCreate]) -> list[Schedule]:
        """Add schedules."""
        path = at("deployments", deployment_id, "schedules")
        made: list[Schedule] = self._post(list[Schedule], path, RootModel[list[ScheduleCreate]](schedules))
        return made

    def update(self, deployment_id: UUID, schedule_id: UUID, body: ScheduleUpdate) -> None:
        """Change the members given."""
        self._patch(at("deployments", deployment_id, "schedules", schedule_id), body)

    def delete(self, deployment_id: UUID, schedule_id: UUID) -> None:
        """Remove a schedule and its runs that have not started."""
        self._delete(at("deployments", deployment_id, "schedules", schedule_id))

    def preview(self, body: SchedulePreview) -> ScheduleTimes:
        """When a schedule would be due that nobody has made yet."""
        times: ScheduleTimes = self._post(ScheduleTimes, "/schedules/preview", body, safe=True)
        return times

    def upcoming(
        self, deployment_id: UUID, schedule_id: UUID, after: datetime, before: datetime, limit: int = 200
    ) -> list[Occurrence]:
        """When it is due in a period; computed, nothing is made."""
        path = at("deployments", deployment_id, "schedules", schedule_id, "upcoming")
        query: Query = {"after": after.isoformat(), "before": before.isoformat(), "limit": limit}
        return self._get(list[Occurrence], path, query)

    def verify(
        self, deployment_id: UUID, schedule_id: UUID, after: datetime, before: datetime
    ) -> Iterator[Occurrence]:
        """Each moment of a period at which it was due, with the one run made for it; page after page."""
        path = at("deployments", deployment_id, "schedules", schedule_id, "verify")
        while after <= before:
            query: Query = {"after": after.isoformat(), "before": before.isoformat()}
            page = self._get(list[Occurrence], path, query)
            yield from page
            if len(page) < MOST_OCCURRENCES:
                return
            after = page[-1].due + timedelta(microseconds=1)
