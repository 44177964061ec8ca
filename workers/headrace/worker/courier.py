"""The thread that talks to the API, one call at a time, so that the loop never waits for the network."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from headrace.client.api import Api
from headrace.contract.sync import SyncRequest
from headrace.contract.workers import Register
from headrace.worker.events import Joined, JoinFailed, Synced, SyncFailed
from headrace.worker.keeper.clock import boottime

Reply = Joined | JoinFailed | Synced | SyncFailed


class Courier:
    """What comes of a call goes to `post`."""

    def __init__(self, api: Api, pool: str, worker: str, post: Callable[[Reply], None]) -> None:
        self._api = api
        self._pool = pool
        self._worker = worker
        self._post = post
        self._bag: queue.SimpleQueue[Callable[[], Reply] | None] = queue.SimpleQueue()
        threading.Thread(target=self._go, name="api", daemon=True).start()

    def register(self, body: Register) -> None:
        """Open a session."""

        def call() -> Reply:
            sent_at = boottime()
            try:
                return Joined(self._api.workers.register(self._pool, self._worker, body), sent_at)
            except Exception as error:  # noqa: BLE001 - whatever it is, the loop must hear of it
                return JoinFailed(error)

        self._bag.put(call)

    def sync(self, request: SyncRequest, timeout: float) -> None:
        """Send a sync."""

        def call() -> Reply:
            sent_at = boottime()
            try:
                answer = self._api.workers.sync(self._pool, self._worker, request, timeout=timeout)
            except Exception as error:  # noqa: BLE001 - whatever it is, the loop must hear of it
                return SyncFailed(request, error)
            return Synced(request, answer, sent_at)

        self._bag.put(call)

    def close(self) -> None:
        """Take nothing more."""
        self._bag.put(None)

    def _go(self) -> None:
        while (call := self._bag.get()) is not None:
            self._post(call())
