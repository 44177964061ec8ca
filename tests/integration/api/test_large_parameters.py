"""Parameters too large for the table: kept in S3, told where one run is read, and handed to its worker."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from typing import Any
from urllib.parse import urlsplit

import botocore.session
import pytest
from botocore.exceptions import ReadTimeoutError

from chalicelib.domain.parameters import MAX_BYTES
from headrace.contract.media import GZIP, PACKED
from headrace.contract.sizes import PARAMETER_BYTES
from tests.support.aws import Carry
from tests.support.plane import Reply, Rig, WorkerRig
from tests.support.strict import Call

LARGE = {"text": "é" + "x" * MAX_BYTES, "number": 1e22, "nested": [{"b": 1, "a": None}]}


DENSE = {"items": ["a"] * 1_310_000}
"""5 MB that are nearly 8 MB as a text within JSON."""


def digest(values: Any) -> str:
    text = json.dumps(values, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def worker(plane: Rig) -> WorkerRig:
    """A worker; and the bucket, which is provisioned with the table."""
    client = botocore.session.get_session().create_client("s3", region_name="us-east-1")
    client.create_bucket(Bucket=plane.plane.ports.settings.bucket)
    plane.pool()
    return plane.worker(limit=3)


def test_one_run_tells_them_and_lists_only_their_size(plane: Rig, worker: WorkerRig) -> None:
    run = plane.run(plane.deployment(), parameters=LARGE)
    assert plane.read(run)["parameters"] == LARGE
    (row,) = plane.ok("POST", "/flow_runs/filter", {})
    assert row["parameters"] == {}
    size = len(json.dumps(LARGE, separators=(",", ":"), ensure_ascii=False).encode())
    assert (row["parameters_digest"], row["parameters_size"]) == (digest(LARGE), size)


def test_the_worker_gets_them_when_it_asks(plane: Rig, worker: WorkerRig) -> None:
    run = plane.run(plane.deployment(), parameters=LARGE)
    (grant,) = worker.claim()
    assert (grant["parameters"], grant["parameters_digest"]) == ({}, digest(LARGE))
    path = f"/work_pools/pool/workers/w1/flow_runs/{run['id']}?session={worker.session}"
    assert plane.ok("GET", path)["parameters"] == {}
    assert digest(plane.ok("GET", f"{path}&parameters=true")["parameters"]) == digest(LARGE)


def test_up_to_100_kb_they_stay_with_the_run(plane: Rig, worker: WorkerRig) -> None:
    small = {"text": "x" * (MAX_BYTES - 11)}
    run = plane.run(plane.deployment(), parameters=small)
    assert (plane.read(run)["parameters"], run["parameters_digest"]) == (small, None)
    (grant,) = worker.claim()
    assert grant["parameters"] == small


def test_five_megabytes_pass_and_no_more(plane: Rig, worker: WorkerRig) -> None:
    deployment = plane.deployment()
    most = {"text": "x" * (PARAMETER_BYTES - 11)}
    run = plane.run(deployment, parameters=most)
    assert plane.read(run)["parameters"] == most
    path = f"/deployments/{deployment['id']}/create_flow_run"
    reply = plane.call("POST", path, {"parameters": {"text": most["text"] + "x"}})
    assert (reply.status, reply.body["code"]) == (413, "too_large")
    assert str(PARAMETER_BYTES) in reply.body["message"]


def create(plane: Rig, deployment: Any, values: Any) -> Reply:
    """A run, by a compressed request."""
    data = gzip.compress(json.dumps({"parameters": values}, separators=(",", ":")).encode())
    path = f"/deployments/{deployment['id']}/create_flow_run{PACKED}"
    return plane.call("POST", path, raw=data, extra={"content-type": GZIP})


def fetched(plane: Rig, url: str) -> Any:
    """What is at an address of the bucket."""
    client = botocore.session.get_session().create_client("s3", region_name="us-east-1")
    key = urlsplit(url).path.lstrip("/")
    found = client.get_object(Bucket=plane.plane.ports.settings.bucket, Key=key)
    return json.loads(zlib.decompress(found["Body"].read()))


def test_five_megabytes_of_any_kind_pass_both_ways(plane: Rig, worker: WorkerRig) -> None:
    deployment = plane.deployment()
    made = create(plane, deployment, DENSE)
    assert made.status == 201, made.body
    run = plane.read(made.body)
    assert run["parameters"] == {}
    assert run["parameters_digest"] == digest(DENSE)
    assert fetched(plane, run["parameters_url"]) == DENSE
    worker.claim()
    path = f"/work_pools/pool/workers/w1/flow_runs/{run['id']}?session={worker.session}"
    assert plane.ok("GET", path)["parameters_url"] is None
    assert fetched(plane, plane.ok("GET", f"{path}&parameters=true")["parameters_url"]) == DENSE
    assert plane.ok("POST", "/flow_runs/filter", {})[0]["parameters_url"] is None


def test_a_request_that_aws_does_not_carry_is_told_how_to_come(plane: Rig, worker: WorkerRig) -> None:
    path = f"/deployments/{plane.deployment()['id']}/create_flow_run"
    reply = plane.call("POST", path, {"parameters": DENSE})
    assert (reply.status, reply.body["code"]) == (413, "too_large")
    assert f"create_flow_run{PACKED}" in reply.body["hint"]


def test_compressed_requests_have_the_same_limit(plane: Rig, worker: WorkerRig) -> None:
    reply = create(plane, plane.deployment(), {"text": "x" * (PARAMETER_BYTES - 10)})
    assert (reply.status, reply.body["code"]) == (413, "too_large")
    assert str(PARAMETER_BYTES) in reply.body["message"]


def test_a_key_finds_the_run_with_the_parameters_of_the_first_call(plane: Rig, worker: WorkerRig) -> None:
    deployment = plane.deployment()
    first = plane.run(deployment, parameters=LARGE, idempotency_key="k")
    again = plane.run(deployment, parameters={**LARGE, "number": 0}, idempotency_key="k")
    assert again["parameters_digest"] == first["parameters_digest"]
    assert plane.read(first)["parameters"] == LARGE


def test_others_take_their_place_while_the_run_waits(plane: Rig, worker: WorkerRig) -> None:
    run = plane.run(plane.deployment(), parameters=LARGE)
    plane.ok("PATCH", f"/flow_runs/{run['id']}", {"parameters": {"text": "short"}})
    found = plane.read(run)
    assert (found["parameters"], found["parameters_digest"]) == ({"text": "short"}, None)


def kept(plane: Rig, run: Any) -> int:
    """Objects of a run."""
    client = botocore.session.get_session().create_client("s3", region_name="us-east-1")
    bucket = plane.plane.ports.settings.bucket
    return int(client.list_objects_v2(Bucket=bucket, Prefix=f"parameters/{run['id']}/")["KeyCount"])


@pytest.mark.parametrize("how", ["deleted", "given others"])
def test_they_go_with_their_run(plane: Rig, worker: WorkerRig, how: str) -> None:
    deployment = plane.deployment()
    run, other = plane.run(deployment, parameters=LARGE), plane.run(deployment, parameters=LARGE)
    if how == "deleted":
        plane.ok("DELETE", f"/flow_runs/{run['id']}")
    else:
        plane.ok("PATCH", f"/flow_runs/{run['id']}", {"parameters": {}})
    assert (kept(plane, run), kept(plane, other)) == (0, 1)


def test_a_deletion_that_broke_off_is_gone_on_with(plane: Rig, worker: WorkerRig) -> None:
    run = plane.run(plane.deployment(), parameters=LARGE)

    def fault(call: Call, carry: Carry) -> Any:
        if call.operation == "DeleteObject":
            raise ReadTimeoutError(endpoint_url="https://s3.us-east-1.amazonaws.com")
        return carry()

    plane.aws.fault = fault
    assert plane.call("DELETE", f"/flow_runs/{run['id']}").status == 503
    plane.aws.fault = None
    assert kept(plane, run) == 1
    assert plane.call("DELETE", f"/flow_runs/{run['id']}").status == 404
    assert kept(plane, run) == 0


def test_without_their_object_the_answer_says_so(plane: Rig, worker: WorkerRig) -> None:
    run = plane.run(plane.deployment(), parameters=LARGE)
    client = botocore.session.get_session().create_client("s3", region_name="us-east-1")
    bucket = plane.plane.ports.settings.bucket
    (found,) = client.list_objects_v2(Bucket=bucket, Prefix=f"parameters/{run['id']}/")["Contents"]
    client.delete_object(Bucket=bucket, Key=found["Key"])
    assert plane.call("GET", f"/flow_runs/{run['id']}").body["code"] == "parameters_lost"
    assert plane.ok("POST", "/flow_runs/filter", {})[0]["id"] == run["id"]
