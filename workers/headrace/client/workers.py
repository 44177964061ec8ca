"""Workers, their sessions, and `sync`."""

from __future__ import annotations

from uuid import UUID

from headrace.client.resource import Page, Resource, at
from headrace.contract.sync import SyncAnswer, SyncRequest
from headrace.contract.workers import Register, Registered, Worker, WorkerHeartbeat, WorkerList


class Workers(Resource):
    """`/work_pools/{pool}/workers`."""

    def list(self, pool: str, request: WorkerList | None = None) -> Page[Worker]:
        """A page of the pool's workers."""
        return self._page(Worker, at("work_pools", pool, "workers", "filter"), request or WorkerList())

    def heartbeat(self, pool: str, body: WorkerHeartbeat) -> None:
        """A sign of life, for a worker that does not use `sync`."""
        self._transport.send("POST", at("work_pools", pool, "workers", "heartbeat"), body, safe=True)

    def register(self, pool: str, worker: str, body: Register) -> Registered:
        """Open a session. Its id is the caller's, so a repeat is harmless; the caller retries."""
        path = at("work_pools", pool, "workers", worker, "sessions")
        answer = self._transport.send("POST", path, body, attempts=1)
        return Registered.model_validate_json(answer.content)

    def sign_off(self, pool: str, worker: str, session: UUID) -> None:
        """Close a session in good order."""
        self._delete(at("work_pools", pool, "workers", worker, "sessions", session))

    def sync(self, pool: str, worker: str, body: SyncRequest, *, timeout: float = 30.0) -> SyncAnswer:
        """Say and hear everything. Sent once: only the caller may decide to repeat a `seq`."""
        path = at("work_pools", pool, "workers", worker, "sync")
        answer = self._transport.send("POST", path, body, attempts=1, timeout=timeout)
        return SyncAnswer.model_validate_json(answer.content)
