"""Parameters that no answer carries: fetched where the run says, and proved."""

from __future__ import annotations

import hashlib
import json
import threading
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import pytest

from headrace.client.errors import ApiError, Unreachable
from headrace.client.parameters import with_parameters
from headrace.contract.flow_runs import FlowRun

VALUES = {"text": "é" * 1000}
DATA = json.dumps(VALUES, separators=(",", ":"), ensure_ascii=False).encode()
MOMENT = "2026-01-01T00:00:00Z"


class Storage(ThreadingHTTPServer):
    """Gives the next of `answers`, (status, bytes), to whoever asks."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes]] = []
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/parameters?X-Amz-Signature=secret"


class Handler(BaseHTTPRequestHandler):
    server: Storage

    def do_GET(self) -> None:
        status, data = self.server.answers.pop(0)
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def storage() -> Iterator[Storage]:
    server = Storage()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def run(url: str | None) -> FlowRun:
    """A run whose parameters are there."""
    return FlowRun.model_validate(
        {
            "id": uuid4(),
            "created": MOMENT,
            "updated": MOMENT,
            "name": "r",
            "flow_id": uuid4(),
            "expected_start_time": MOMENT,
            "state": {"id": uuid4(), "type": "SCHEDULED", "name": "Scheduled", "timestamp": MOMENT},
            "state_id": uuid4(),
            "state_type": "SCHEDULED",
            "state_name": "Scheduled",
            "parameters_digest": hashlib.sha256(DATA).hexdigest(),
            "parameters_size": len(DATA),
            "parameters_url": url,
        }
    )


def test_they_are_fetched_also_at_the_second_try(storage: Storage) -> None:
    storage.answers = [(503, b""), (200, zlib.compress(DATA))]
    found = with_parameters(run(storage.url))
    assert (found.parameters, found.parameters_url) == (VALUES, None)


@pytest.mark.parametrize(
    "data", [zlib.compress(DATA + b" "), zlib.compress(b" " * 10_000_000), DATA, b""], ids=len
)
def test_others_are_refused(storage: Storage, data: bytes) -> None:
    storage.answers = [(200, data)]
    with pytest.raises(ApiError, match="arrived changed"):
        with_parameters(run(storage.url))


def test_what_the_storage_says_is_told_without_the_address(storage: Storage) -> None:
    storage.answers = [(403, b"expired")]
    with pytest.raises(ApiError, match="answered 403: expired") as refused:
        with_parameters(run(storage.url))
    assert "secret" not in str(refused.value)
    storage.answers = [(503, b"")] * 3
    with pytest.raises(Unreachable):
        with_parameters(run(storage.url))


def test_a_run_that_has_them_is_left_as_it_is() -> None:
    plain = run(None)
    assert with_parameters(plain) is plain
