"""The client's transport against a real socket: retries, errors, keys, pages."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import pytest

from headrace.client import errors
from headrace.client.api import Api
from headrace.client.resource import at, each
from headrace.client.transport import Transport
from headrace.contract.flow_runs import FlowRunCreate
from headrace.contract.sync import SyncRequest
from headrace.contract.work_pools import WorkPoolCreate, WorkPoolList

POOL = {
    "id": str(uuid4()),
    "created": "2026-01-01T00:00:00Z",
    "updated": "2026-01-01T00:00:00Z",
    "name": "p",
    "type": "process",
}


@dataclass
class Stub:
    """Answers with the next of `answers`: (status, body, headers), or drops the connection for `None`."""

    url: str = ""
    answers: list[tuple[int, object, dict[str, str]] | None] = field(default_factory=list)
    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def stub() -> Iterator[Stub]:
    stub = Stub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            stub.seen.append((self.command, self.path, dict(self.headers.items()), body))
            answer = stub.answers.pop(0)
            if answer is None:
                self.connection.close()
                self.close_connection = True
                return
            status, document, headers = answer
            payload = b"" if status == 204 else json.dumps(document).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PATCH = do_DELETE = _any  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    stub.url = f"http://127.0.0.1:{server.server_address[1]}/api"
    yield stub
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def api(stub: Stub, waits: list[float]) -> Iterator[Api]:
    with Api(Transport(stub.url, "hr_key", sleep=waits.append)) as api:
        yield api


def test_names_and_key_travel(stub: Stub, api: Api) -> None:
    stub.answers = [(200, POOL, {})]
    assert api.pools.read("my pool#1").name == "p"
    command, path, headers, _ = stub.seen[0]
    assert (command, path) == ("GET", "/api/work_pools/my%20pool%231")
    assert headers["Authorization"] == "Bearer hr_key"


def test_only_members_that_were_set_are_sent(stub: Stub, api: Api) -> None:
    stub.answers = [(204, None, {})]
    api.pools.pause("p")
    assert json.loads(stub.seen[0][3]) == {"is_paused": True}


@pytest.mark.parametrize("status", [404, 415])
def test_a_large_sync_goes_compressed_until_it_is_not_taken(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    run = uuid4()
    record = {"at": POOL["created"], "level": 20, "name": "n", "message": "x" * 100}
    logs = [{"run": run, "attempt": 1, "seq": 1, "records": [record] * 100}]
    small = SyncRequest(session=run, seq=1, slots=1)
    large = SyncRequest.model_validate({"session": run, "seq": 2, "slots": 1, "logs": logs})
    done = (200, {"lease_seconds": 1, "sync_within_seconds": 1, "pool_revision": 1}, {})
    stub.answers = [done, done, (status, {}, {}), done, done]
    # On loopback nothing is compressed; this is another name of the same machine.
    with Api(Transport(stub.url.replace("127.0.0.1", "0.0.0.0"))) as api:
        for request in (small, large, large, large):
            api.workers.sync("p", "w", request)
    kinds = [headers["Content-Type"].rpartition("/")[2] for _, _, headers, _ in stub.seen]
    assert kinds == ["json", "gzip", "gzip", "json", "json"]
    ends = [path.rpartition("/")[2] for _, path, _, _ in stub.seen]
    assert ends == ["sync", "gzip", "gzip", "sync", "sync"]
    assert len(stub.seen[1][3]) < 2000
    assert SyncRequest.model_validate_json(gzip.decompress(stub.seen[1][3])) == large


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_safe_calls_are_repeated(stub: Stub, api: Api, waits: list[float], status: int) -> None:
    stub.answers = [(status, {}, {}), None, (200, POOL, {})]
    assert api.pools.read("p").name == "p"
    assert len(stub.seen) == 3
    assert all(0 <= wait <= 5 for wait in waits)


def test_retry_after_is_followed(stub: Stub, api: Api, waits: list[float]) -> None:
    stub.answers = [(429, {}, {"Retry-After": "7"}), (200, POOL, {})]
    api.pools.read("p")
    assert waits == [7.0]


@pytest.mark.parametrize("answer", [(503, {}, {}), None])
def test_a_create_that_may_have_happened_is_not_repeated(
    stub: Stub, api: Api, answer: tuple[int, object, dict[str, str]] | None
) -> None:
    stub.answers = [answer, (201, POOL, {})]
    with pytest.raises(errors.Unreachable):
        api.pools.create(WorkPoolCreate(name="p"))
    assert len(stub.seen) == 1


def test_a_create_with_an_idempotency_key_is_repeated(stub: Stub, api: Api) -> None:
    stub.answers = [None, (404, {"code": "not_found", "message": "m", "detail": "m"}, {})]
    body = FlowRunCreate.model_validate({"idempotency_key": "k"})
    with pytest.raises(errors.NotFound):
        api.deployments.run(uuid4(), body)
    assert len(stub.seen) == 2


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, errors.NotFound),
        (409, errors.Conflict),
        (422, errors.Invalid),
        (413, errors.TooLarge),
        (401, errors.Unauthorized),
        (403, errors.Unauthorized),
        (500, errors.ApiError),
    ],
)
def test_error_bodies_become_exceptions(
    stub: Stub, api: Api, status: int, kind: type[errors.ApiError]
) -> None:
    field_error = {"path": "name", "message": "too long"}
    body = {"code": "c", "message": "wrong", "hint": "do this", "detail": "wrong", "errors": [field_error]}
    stub.answers = [(status, body, {})]
    with pytest.raises(errors.ApiError) as caught:
        api.pools.read("p")
    assert type(caught.value) is kind
    assert (caught.value.status, caught.value.code, caught.value.hint) == (status, "c", "do this")
    assert str(caught.value) == "wrong (name: too long)\ndo this"


def test_a_foreign_error_body_is_shown(stub: Stub, api: Api) -> None:
    stub.answers = [(500, "boom", {})]
    with pytest.raises(errors.ApiError, match=r"answered 500.*boom"):
        api.pools.read("p")


def test_nobody_there() -> None:
    waits: list[float] = []
    api = Api(Transport("http://127.0.0.1:9/api", sleep=waits.append))
    with api, pytest.raises(errors.Unreachable, match="headrace server start"):
        api.system.health()
    assert len(waits) == 3


def test_pages_are_followed_and_bounded(stub: Stub, api: Api) -> None:
    two = [POOL, POOL]
    stub.answers = [(200, two, {"Headrace-Next-Cursor": "c1"}), (200, two, {})]
    assert len(list(each(api.pools.list, WorkPoolList(limit=2)))) == 4
    assert json.loads(stub.seen[1][3])["cursor"] == "c1"
    stub.answers = [(200, two, {"Headrace-Next-Cursor": "c1"})]
    assert len(list(each(api.pools.list, WorkPoolList(limit=2), at_most=2))) == 2


@pytest.mark.parametrize(("created", "status"), [(True, 201), (False, 200)])
def test_made_says_whether_it_was_made(stub: Stub, api: Api, created: bool, status: int) -> None:
    from headrace.contract.flows import FlowCreate

    stub.answers = [(status, {k: POOL[k] for k in ("id", "created", "updated", "name")}, {})]
    made = api.flows.create(FlowCreate.model_validate({"name": "p"}))
    assert (made.created, made.value.name) == (created, "p")


def test_paths_are_encoded() -> None:
    encode: Callable[..., str] = at
    assert encode("a", "b/c d") == "/a/b%2Fc%20d"


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (404, {"code": "not_found", "message": "There is no GET /work_pools/p.", "errors": []}),
        (403, {"message": "Missing Authentication Token"}),
    ],
)
def test_an_address_without_api_is_asked_about(stub: Stub, status: int, answer: object) -> None:
    stub.answers = [(status, answer, {})] * 2
    for url, asked in ((stub.url.removesuffix("/api"), True), (stub.url, False)):
        with Api(Transport(url)) as api, pytest.raises(errors.ApiError) as caught:
            api.pools.read("p")
        assert (caught.value.hint == f"Does the address end in /api? It is {url}.") is asked


@pytest.mark.parametrize(("status", "said"), [(404, "Not Found"), (403, '{"message":"Forbidden"}')])
def test_where_no_control_plane_answers_any_more_that_is_said(stub: Stub, status: int, said: str) -> None:
    """So API Gateway answers when a stage is gone."""
    stub.answers = [(status, said, {})]
    with Api(Transport(stub.url)) as api, pytest.raises(errors.ApiError) as caught:
        api.pools.read("p")
    assert f"That is no control plane: its stage is gone, or {stub.url} is the wrong address." in str(
        caught.value
    )
