"""Answers what the code of a run asks: by the API, in threads of their own, so that the loop never waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from headrace.client.api import Api
from headrace.client.asking import as_told, wrong
from headrace.client.errors import ApiError
from headrace.contract.children import ChildRunCreate
from headrace.contract.sync import Grant
from headrace.worker.decisions import Key
from headrace.worker.events import Answered
from headrace.worker.keeper.wire import Message

THREADS = 8


class Requests:
    """One answer for each question, also where it went wrong; it goes to `post`."""

    def __init__(self, api: Api, pool: str, worker: str, post: Callable[[Answered], None]) -> None:
        self._api = api
        self._place = (pool, worker)
        self._post = post
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="requests")
        self._kinds: dict[str, Callable[[UUID, Key, Message], Any]] = {
            "start_run": self._start_run,
            "read_run": self._read_run,
        }

    def take(self, session: UUID, key: Key, question: Message) -> None:
        """Answer this question of an attempt that the session holds, in a while."""
        self._threads.submit(self._answer, session, key, question)

    def parameters_of(self, session: UUID | None) -> Callable[[Grant], Mapping[str, object]]:
        """Fetches the parameters of a run that the session holds."""

        def fetch(grant: Grant) -> Mapping[str, object]:
            asker = session or UUID(int=0)
            return self._api.workers.read_run(*self._place, asker, grant.run, parameters=True).parameters

        return fetch

    def close(self) -> None:
        """Take nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _answer(self, session: UUID, key: Key, question: Message) -> None:
        try:
            kind = self._kinds[str(question.get("what"))]
            body = {"value": kind(session, key, question)}
        except ApiError as error:
            body = {"error": as_told(error)}
        except ValidationError as error:
            body = {"error": {"code": "invalid", "status": 422, "message": wrong(error)}}
        except Exception as error:  # noqa: BLE001 - whatever it is, the code that asked must hear of it
            body = {"error": {"code": "error", "message": f"{type(error).__name__}: {error}"}}
        self._post(Answered(key, question["id"], body))

    def _start_run(self, session: UUID, key: Key, question: Message) -> Any:
        run, attempt = key
        body = ChildRunCreate(session=session, run=run, attempt=attempt, **question["wanted"])
        return self._api.workers.start_child(*self._place, body).value.model_dump(mode="json")

    def _read_run(self, session: UUID, key: Key, question: Message) -> Any:
        run = UUID(question["run"])
        named = question.get("idempotency_key")
        found = self._api.workers.read_run(*self._place, session, run, idempotency_key=named)
        return found.model_dump(mode="json")
