"""The gateway with keys: what is done is what the door let in, however the request is written."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from chalice import Chalice
from moto.s3.models import s3_backends
from moto.sts.models import sts_backends

from chalicelib.domain.worker_policy import queue_prefix, session_policy
from headrace.local.aws.door import Door
from headrace.local.aws.dynamodb import DynamoDB
from headrace.local.aws.patches import PATCHES
from headrace.local.aws.services import Services
from headrace.local.aws.sqs import SQS
from headrace.local.gateway import Gateway
from headrace.local.guard import Guard
from headrace.local.objects import Objects
from headrace.local.webserver import Request

HOST = "127.0.0.1:4331"
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/headrace-local-worker"
QUEUE = f"{queue_prefix('local', 'pool')}q0"
AS_S3 = "z=Credential%3Dx%2F20260101%2Fus-east-1%2Fs3%2Faws4_request"
AS_STS = (
    AS_S3.replace("s3", "sts")
    + "&Action=AssumeRole&Version=2011-06-15&RoleSessionName=w&RoleArn="
    + quote(ROLE, "")
)


@pytest.fixture
def services(tmp_path):
    """One queue of a pool, and an object of somebody else."""
    PATCHES.apply()
    sqs, objects = SQS(), Objects(tmp_path / "objects")
    sqs.backend.reset()
    sqs.create(QUEUE, {})
    s3 = s3_backends[ACCOUNT]["aws"]
    s3.create_bucket("headrace-local", "us-east-1")
    s3.put_object("headrace-local", "parameters/of-another", b"secret")
    yield Services(DynamoDB(), sqs, objects)
    objects.close()
    s3.reset()
    sqs.backend.reset()
    PATCHES.undo()


@pytest.fixture
def role():
    policy = session_policy(ROLE, "us-east-1", "local", "pool")
    return sts_backends[ACCOUNT]["aws"].assume_role("aws", "w", ROLE, policy, 3600, None)


def receive(role, method="POST", path="/aws/", header=str.title):
    """A worker's look at its doorbells, signed; the name of each header is written as `header` makes it."""
    data = json.dumps({"QueueUrl": f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/{QUEUE}"}).encode()
    headers = {"x-amz-target": "AmazonSQS.ReceiveMessage", "host": HOST}
    request = AWSRequest(method, f"http://{HOST}{path}", headers=headers, data=data)
    credentials = Credentials(role.access_key_id, role.secret_access_key, role.session_token)
    SigV4Auth(credentials, "sqs", "us-east-1").add_auth(request)
    signed = {header(name): value for name, value in request.headers.items()}
    return Request(method, path, signed, data)


@pytest.mark.parametrize("header", [str.title, str.lower, str.upper])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/aws/"),
        ("GET", f"/aws/headrace-local?{AS_S3}&list-type=2"),
        ("GET", f"/aws/headrace-local/parameters/of-another?{AS_S3}"),
        ("DELETE", f"/aws/headrace-local/parameters/of-another?{AS_S3}"),
        ("POST", f"/aws/?{AS_STS}"),
    ],
)
def test_a_call_that_was_let_in_for_sqs_is_carried_out_by_sqs(services, role, method, path, header):
    guard = Guard("127.0.0.1", 4331, keys_required=True)
    gateway = Gateway(Chalice("plane"), services, guard, "", Door("own", "s"))
    answer = gateway.handle(receive(role, method, path, header))
    assert (answer.status, json.loads(answer.body)) == (200, {})
    assert "parameters/of-another" in s3_backends[ACCOUNT]["aws"].buckets["headrace-local"].keys


@pytest.mark.parametrize("name", ["x-amz-checksum-sha256", "X-Amz-Checksum-Sha256"])
def test_bytes_that_were_not_announced_are_refused(services, name):
    credential = "AWS4-HMAC-SHA256 Credential=any/20260302/us-east-1/s3/aws4_request, SignedHeaders=host"
    gateway = Gateway(Chalice("plane"), services, Guard("127.0.0.1", 4331), "")
    headers = {"Host": HOST, "Authorization": credential, name: "b3RoZXI="}
    answer = gateway.handle(Request("PUT", "/aws/headrace-local/bundles/0.zip", headers, b"evil"))
    assert (answer.status, json.loads(answer.body)["__type"]) == (400, "BadDigest")
