"""Bodies that come compressed: through the local gateway, and as API Gateway hands them to the Lambda."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest

import app
from headrace.contract.media import GZIP, PACKED
from tests.support.plane import Reply, Rig, WorkerRig

BOMB = gzip.compress(b" " * 50_000_000)


def as_lambda(path: str, data: bytes) -> Reply:
    """A proxy event of a REST API for which the type is a binary one."""
    route, names = f"/api/work_pools/{{pool}}/workers/{{worker}}/sync{PACKED}", path.split("/")
    event = {
        "requestContext": {
            "httpMethod": "POST",
            "resourcePath": route,
            "identity": {},
            "path": f"/api{path}",
        },
        "headers": {"Content-Type": GZIP, "content-length": str(len(data))},
        "multiValueHeaders": {"Content-Type": [GZIP]},
        "pathParameters": {"pool": names[2], "worker": names[4]},
        "multiValueQueryStringParameters": None,
        "stageVariables": None,
        "body": base64.b64encode(data).decode(),
        "isBase64Encoded": True,
    }
    answer = app.app(event, None)
    return Reply(answer["statusCode"], json.loads(answer["body"]), answer["headers"])


def as_embedded(plane: Rig, path: str, data: bytes) -> Reply:
    return plane.call("POST", path, raw=data, extra={"content-type": GZIP})


@pytest.fixture
def worker(plane: Rig) -> WorkerRig:
    plane.pool()
    return plane.worker()


def body(worker: WorkerRig, run: Any, lines: int) -> bytes:
    record = {
        "at": worker.rig.clock.now.isoformat(),
        "level": 20,
        "name": "stdout",
        "message": "ein Zeilchen ä",
    }
    worker.seq += 1
    logs = [{"run": run["id"], "attempt": 1, "seq": worker.seq, "records": [record] * lines}]
    said = {"session": worker.session, "seq": worker.seq, "slots": 1, "logs": logs}
    return gzip.compress(json.dumps(said).encode())


def test_a_sync_may_come_compressed(plane: Rig, worker: WorkerRig) -> None:
    run = plane.run(plane.deployment())
    path = f"/work_pools/pool/workers/{worker.name}/sync{PACKED}"
    for reply in (
        as_embedded(plane, path, body(worker, run, 100)),
        as_lambda(path, body(worker, run, 50)),
    ):
        assert reply.status == 200, reply
    rows = plane.ok("POST", "/logs/filter", {"limit": 200, "logs": {"flow_run_id": {"any_": [run["id"]]}}})
    assert [row["message"] for row in rows] == ["ein Zeilchen ä"] * 150


@pytest.mark.parametrize(
    ("data", "status", "says"),
    [
        (BOMB, 413, "are allowed"),
        (b"{}", 422, "is not"),
        (BOMB[:200], 422, "cut off"),
        (gzip.compress(b"{"), 422, "JSON"),
    ],
    ids=["bomb", "plain", "torn", "no JSON"],
)
def test_what_cannot_be_unpacked_is_refused(
    plane: Rig, worker: WorkerRig, data: bytes, status: int, says: str
) -> None:
    path = f"/work_pools/pool/workers/{worker.name}/sync{PACKED}"
    for reply in (as_embedded(plane, path, data), as_lambda(path, data)):
        assert reply.status == status
        assert says in reply.body["message"]


def test_other_routes_take_plain_json_and_this_one_does_not(plane: Rig) -> None:
    for path in ("/work_pools/", "/work_pools/pool/workers/w/sync"):
        assert as_embedded(plane, path, gzip.compress(b'{"name": "p"}')).status == 415
    assert plane.call("POST", f"/work_pools/pool/workers/w/sync{PACKED}", {}).status == 415
