"""Workers, their sessions, and `sync`."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from headrace.client.resource import Made, Page, Resource, at
from headrace.client.transport import Query
from headrace.contract.sync import SyncAnswer, SyncRequest
from headrace.contract.workers import (
    AwsCredentials,
    Register,
    Registered,
    Worker,
    WorkerHeartbeat,
    WorkerList,
)

if TYPE_CHECKING:
    from headrace.contract.children import ChildRunCreate
    from headrace.contract.flow_runs import FlowRun


class Workers(Resource):
    """`/work_pools/{pool}/workers`."""

    def list(self, pool: str, request: WorkerList | None = None) -> Page[Worker]:
        """A page of the pool's workers."""
        return self._page(Worker, at("work_pools", pool, "workers", "filter"), request or WorkerList())

    def heartbeat(self, pool: str, body: WorkerHeartbeat) -> None:
        """A sign of life, for a worker that does not use `sync`."""
        self._transport.send("POST", at("work_pools", pool, "workers", "heartbeat"), body, safe=True)

    def drain(self, pool: str, worker: str) -> Worker:
        """Have a worker leave when all that it runs is done."""
        told: Worker = self._post(Worker, at("work_pools", pool, "workers", worker, "drain"), None, safe=True)
        return told

    def register(self, pool: str, worker: str, body: Register) -> Registered:
        """Open a session. Its id is the caller's, so a repeat is harmless; the caller retries."""
        path = at("work_pools", pool, "workers", worker, "sessions")
        answer = self._transport.send("POST", path, body, attempts=1)
        return Registered.model_validate_json(answer.content)

    def credentials(self, pool: str, worker: str) -> AwsCredentials:
        """AWS credentials for the pool's queues. Sent once: the caller asks again when it wants."""
        path = at("work_pools", pool, "workers", worker, "credentials")
        answer = self._transport.send("POST", path, attempts=1, timeout=10)
        return AwsCredentials.model_validate_json(answer.content)

    def sign_off(self, pool: str, worker: str, session: UUID) -> None:
        """Close a session in good order."""
        self._delete(at("work_pools", pool, "workers", worker, "sessions", session))

    def sync(self, pool: str, worker: str, body: SyncRequest, *, timeout: float = 30.0) -> SyncAnswer:
        """Say and hear everything. Sent once: only the caller may decide to repeat a `seq`."""
        path = at("work_pools", pool, "workers", worker, "sync")
        answer = self._transport.send("POST", path, body, attempts=1, timeout=timeout, compress=True)
        return SyncAnswer.model_validate_json(answer.content)

    def start_child(self, pool: str, worker: str, body: ChildRunCreate) -> Made[FlowRun]:
        """Start a run for the code of one in the session's hands; the same call finds the same run."""
        from headrace.contract.flow_runs import FlowRun  # few workers have a use for it

        return self._make(
            FlowRun,
            at("work_pools", pool, "workers", worker, "create_flow_run"),
            body,
            safe=True,
            compress=True,
        )

    def read_run(
        self,
        pool: str,
        worker: str,
        session: UUID,
        run: UUID,
        *,
        parameters: bool = False,
        idempotency_key: str | None = None,
    ) -> FlowRun:
        """One run, for the code of one in the session's hands, or for its worker with all its parameters.

        `idempotency_key` is what the code has named the run by, if it has.
        """
        from headrace.client.parameters import with_parameters
        from headrace.contract.flow_runs import FlowRun

        path = at("work_pools", pool, "workers", worker, "flow_runs", run)
        query: Query = {"session": str(session), "parameters": parameters, "idempotency_key": idempotency_key}
        return with_parameters(self._get(FlowRun, path, query))
