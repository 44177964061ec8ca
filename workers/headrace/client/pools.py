"""Work pools and work queues."""

from __future__ import annotations

from uuid import UUID

from headrace.client.resource import Page, Resource, at
from headrace.contract.flow_runs import QueueRunsRequest, ScheduledRun, ScheduledRunsRequest
from headrace.contract.work_pools import (
    DeleteOptions,
    Misfit,
    MisfitList,
    WorkPool,
    WorkPoolCreate,
    WorkPoolList,
    WorkPoolUpdate,
    WorkQueue,
    WorkQueueCreate,
    WorkQueueList,
    WorkQueueStatus,
    WorkQueueUpdate,
)

_WAITING = list[ScheduledRun]


class Pools(Resource):
    """`/work_pools`."""

    def create(self, body: WorkPoolCreate) -> WorkPool:
        """Make a pool, with its `default` queue. With an idempotency key it is repeated when its answer is lost."""
        pool: WorkPool = self._post(WorkPool, "/work_pools/", body, safe=body.idempotency_key is not None)
        return pool

    def read(self, name: str) -> WorkPool:
        """One pool."""
        return self._get(WorkPool, at("work_pools", name))

    def list(self, request: WorkPoolList | None = None) -> Page[WorkPool]:
        """A page of pools."""
        return self._page(WorkPool, "/work_pools/filter", request or WorkPoolList())

    def update(self, name: str, body: WorkPoolUpdate) -> None:
        """Change the members given."""
        self._patch(at("work_pools", name), body)

    def pause(self, name: str) -> None:
        """Start nothing more from this pool."""
        self.update(name, WorkPoolUpdate(is_paused=True))

    def skip_late(self, name: str) -> int:
        """End the late runs of this pool as Skipped; how many."""
        return self._skip_late(at("work_pools", name, "skip_late"))

    def resume(self, name: str) -> None:
        """Start runs of this pool again."""
        self.update(name, WorkPoolUpdate(is_paused=False))

    def delete(self, name: str, options: DeleteOptions | None = None) -> None:
        """Delete a pool; refused while runs wait or deployments run there, unless `options` say what to do."""
        self._delete_whole(at("work_pools", name), **_query(options))

    def misfits(self, name: str, request: MisfitList | None = None) -> Page[Misfit]:
        """A page of the deployments whose job variables do not fit the pool's job template."""
        return self._page(Misfit, at("work_pools", name, "misfits", "filter"), request or MisfitList())

    def scheduled(self, name: str, request: ScheduledRunsRequest) -> Page[ScheduledRun]:
        """Runs that wait in the pool's queues."""
        path = at("work_pools", name, "get_scheduled_flow_runs")
        return Page(self._post(_WAITING, path, request, safe=True), None)


class Queues(Resource):
    """`/work_queues` and `/work_pools/{pool}/queues`."""

    def create(self, pool: str, body: WorkQueueCreate) -> WorkQueue:
        """Make a queue in a pool. With an idempotency key it is repeated when its answer is lost."""
        queue: WorkQueue = self._post(
            WorkQueue, at("work_pools", pool, "queues"), body, safe=body.idempotency_key is not None
        )
        return queue

    def read(self, queue_id: UUID) -> WorkQueue:
        """One queue, by id."""
        return self._get(WorkQueue, at("work_queues", queue_id))

    def read_by_name(self, pool: str, name: str) -> WorkQueue:
        """One queue, by pool and name."""
        return self._get(WorkQueue, at("work_pools", pool, "queues", name))

    def list(self, request: WorkQueueList | None = None, *, pool: str | None = None) -> Page[WorkQueue]:
        """A page of queues, of one pool or of all."""
        path = "/work_queues/filter" if pool is None else at("work_pools", pool, "queues", "filter")
        return self._page(WorkQueue, path, request or WorkQueueList())

    def status(self, queue_id: UUID) -> WorkQueueStatus:
        """Whether a worker polled it lately, and how many runs are late."""
        return self._get(WorkQueueStatus, at("work_queues", queue_id, "status"))

    def runs(self, queue_id: UUID, request: QueueRunsRequest) -> Page[ScheduledRun]:
        """Runs that wait in the queue."""
        path = at("work_queues", queue_id, "get_runs")
        return Page(self._post(_WAITING, path, request, safe=True), None)

    def update(self, queue_id: UUID, body: WorkQueueUpdate) -> None:
        """Change the members given."""
        self._patch(at("work_queues", queue_id), body)

    def pause(self, queue_id: UUID) -> None:
        """Start nothing more from this queue."""
        self.update(queue_id, WorkQueueUpdate(is_paused=True))

    def resume(self, queue_id: UUID) -> None:
        """Start runs of this queue again."""
        self.update(queue_id, WorkQueueUpdate(is_paused=False))

    def delete(self, queue_id: UUID, options: DeleteOptions | None = None) -> None:
        """Delete a queue; refused while runs wait or deployments run there, unless `options` say what to do."""
        self._delete_whole(at("work_queues", queue_id), **_query(options))


def _query(options: DeleteOptions | None) -> dict[str, str | bool | None]:
    return options.model_dump(exclude_unset=True) if options else {}
