"""Who is let into the embedded AWS: requests that botocore itself signed, and what was done to them after."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import botocore.session
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from moto.sts.models import sts_backends

from chalicelib.domain.worker_policy import queue_prefix, session_policy
from headrace.local.aws.door import Door

HOST = "127.0.0.1:4331"
OWN, SECRET = "embedded", "the servers own secret"
ROLE = "arn:aws:iam::123456789012:role/headrace-local-worker"
MINE = f"https://sqs.us-east-1.amazonaws.com/123456789012/{queue_prefix('local', 'pool')}q0"
OTHERS = f"https://sqs.us-east-1.amazonaws.com/123456789012/{queue_prefix('local', 'other')}q0"


@pytest.fixture
def role():
    policy = session_policy(ROLE, "us-east-1", "local", "pool")
    return sts_backends["123456789012"]["aws"].assume_role("aws", "w", ROLE, policy, 3600, None)


@pytest.fixture
def door():
    return Door(OWN, SECRET)


def sqs(key_id, secret, token, action="ReceiveMessage", service="sqs", **body):
    """An SQS call as botocore sends it: method, target, headers, body."""
    data = json.dumps(body or {"QueueUrl": MINE}).encode()
    headers = {
        "X-Amz-Target": f"AmazonSQS.{action}",
        "Content-Type": "application/x-amz-json-1.0",
        "Host": HOST,
    }
    request = AWSRequest("POST", f"http://{HOST}/aws/", headers=headers, data=data)
    SigV4Auth(Credentials(key_id, secret, token), service, "us-east-1").add_auth(request)
    return "POST", "/aws/", dict(request.headers.items()), data


def of(role, **more):
    return sqs(role.access_key_id, role.secret_access_key, role.session_token, **more)


def address(
    operation="get_object", key="bundles/0.zip", key_id=OWN, secret=SECRET, seconds=60, token=None, **more
):
    config = Config(signature_version="s3v4", s3={"addressing_style": "path"})
    client = botocore.session.get_session().create_client(
        "s3",
        region_name="us-east-1",
        endpoint_url=f"http://{HOST}/aws",
        config=config,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        aws_session_token=token,
    )
    params = {"Bucket": "headrace-local", "Key": key, **more}
    url = urlsplit(client.generate_presigned_url(operation, Params=params, ExpiresIn=seconds))
    return f"{url.path}?{url.query}"


def code(refused):
    if refused is None:
        return None
    found = re.search(rb'<Code>(\w+)</Code>|"__type":"(\w+)"', refused.body)
    return refused.status, (found[1] or found[2]).decode()


@pytest.mark.parametrize(
    "action",
    ["ReceiveMessage", "DeleteMessage", "DeleteMessageBatch", "ChangeMessageVisibilityBatch", "GetQueueUrl"],
)
def test_a_worker_may_take_from_its_pools_queues(door, role, action):
    assert code(door.refusal(*of(role, action=action))) is None


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("ReceiveMessage", {"QueueUrl": OTHERS}),
        ("ReceiveMessage", {"QueueUrl": MINE, "QueueName": "other"}),
        ("ReceiveMessage", {"QueueUrl": [MINE]}),
        ("ReceiveMessage", {"QueueUrl": None}),
        ("ReceiveMessage", {"MaxNumberOfMessages": 1}),
        ("GetQueueUrl", {"QueueName": queue_prefix("local", "other") + "q0"}),
        ("SendMessage", {"QueueUrl": MINE, "MessageBody": "x"}),
        ("SendMessageBatch", {"QueueUrl": MINE}),
        ("DeleteQueue", {"QueueUrl": MINE}),
        ("CreateQueue", {"QueueName": queue_prefix("local", "pool") + "q1"}),
        ("ListQueues", {"QueueNamePrefix": ""}),
        ("PurgeQueue", {"QueueUrl": MINE}),
        ("ReceiveMessageBatchBatch", {"QueueUrl": MINE}),
    ],
)
def test_and_nothing_else(door, role, action, body):
    assert code(door.refusal(*of(role, action=action, **body))) == (403, "AccessDenied")


def test_other_services_are_closed_to_roles(door, role):
    assert code(door.refusal(*of(role, service="s3"))) == (403, "AccessDenied")
    assert code(door.refusal(*of(role, service="sts"))) == (403, "AccessDenied")
    own = address(key_id=role.access_key_id, secret=role.secret_access_key, token=role.session_token)
    assert code(door.refusal("GET", own, {"Host": HOST}, b"")) == (403, "AccessDenied")


@pytest.mark.parametrize(
    ("key_id", "secret"),
    [("local", "local"), ("test", "test"), (OWN, "wrong"), ("ASIANOBODY", "x"), ("", "")],
)
def test_credentials_that_nobody_gave_open_nothing(door, key_id, secret):
    refused = door.refusal(*sqs(key_id, secret, "token"))
    assert refused is not None and refused.status == 403


def test_the_servers_own_credentials_make_no_calls_over_http(door):
    assert code(door.refusal(*sqs(OWN, SECRET, None))) == (403, "InvalidClientTokenId")


def test_parts_of_credentials_open_nothing(door, role):
    key, secret, token = role.access_key_id, role.secret_access_key, role.session_token
    assert code(door.refusal(*sqs(key, "guess", token))) == (403, "SignatureDoesNotMatch")
    assert code(door.refusal(*sqs(key, secret, None))) == (403, "InvalidClientTokenId")
    assert code(door.refusal(*sqs(key, secret, token[:-1] + "_"))) == (403, "InvalidClientTokenId")


def test_what_was_changed_after_it_was_signed_is_refused(door, role):
    method, target, headers, body = of(role)
    for changed in (
        (method, target, headers, body.replace(b"q0", b"q1")),
        (method, "/aws/other", headers, body),
        (method, target + "?x=1", headers, body),
        ("PUT", target, headers, body),
        (method, target, {**headers, "X-Amz-Target": "AmazonSQS.DeleteMessage"}, body),
        (method, target, {**headers, "Host": "127.0.0.1:1"}, body),
    ):
        assert code(door.refusal(*changed)) == (403, "SignatureDoesNotMatch")
    twice = {**headers, "x-amz-target": "AmazonSQS.ReceiveMessage", "X-Amz-Target": "AmazonSQS.DeleteQueue"}
    assert code(door.refusal(method, target, twice, body)) == (403, "MissingAuthenticationToken")


SCOPE = "AWS4-HMAC-SHA256 Credential=A/20260302/us-east-1/sqs/aws4_request"
NO_SUM = "Signature=" + "0" * 64


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer hr_x"},
        {"Authorization": "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=host, Signature=0"},
        {"Authorization": f"{SCOPE}, SignedHeaders=host, {NO_SUM}"},
        {"Authorization": f"{SCOPE}, SignedHeaders=date, {NO_SUM}", "X-Amz-Date": "20260302T000000Z"},
        {"Authorization": "x" * 100_000},
    ],
)  # fmt: skip
def test_what_is_not_signed_is_refused(door, headers):
    refused = door.refusal("POST", "/aws/", {"Host": HOST, **headers}, b"{}")
    assert code(refused) == (403, "MissingAuthenticationToken")
    assert (
        code(door.refusal("GET", "/aws/headrace-local/bundles/0.zip", {"Host": HOST, **headers}, b""))[0]
        == 403
    )


def test_old_signatures_and_ended_credentials_are_refused(role):
    late = Door(OWN, SECRET, lambda: datetime.now(UTC) + timedelta(minutes=16))
    assert code(late.refusal(*of(role))) == (403, "SignatureDoesNotMatch")
    assert code(late.refusal("GET", address(), {"Host": HOST}, b"")) == (403, "SignatureDoesNotMatch")
    early = Door(OWN, SECRET, lambda: datetime.now(UTC) - timedelta(minutes=16))
    assert code(early.refusal(*of(role))) == (403, "SignatureDoesNotMatch")
    over = Door(OWN, SECRET, lambda: datetime.now(UTC) + timedelta(hours=1))
    assert code(over.refusal(*of(role))) == (403, "ExpiredToken")


def test_an_address_opens_itself_alone(door):
    target = address()
    assert code(door.refusal("GET", target, {"Host": HOST}, b"")) is None
    for method, changed, headers in (
        ("PUT", target, {"Host": HOST}),
        ("DELETE", target, {"Host": HOST}),
        ("GET", target.replace("0.zip", "1.zip"), {"Host": HOST}),
        ("GET", target.replace("Expires=60", "Expires=999999"), {"Host": HOST}),
        ("GET", target + "&versionId=1", {"Host": HOST}),
        ("GET", target, {"Host": "127.0.0.1:1"}),
    ):
        assert code(door.refusal(method, changed, headers, b"")) == (403, "SignatureDoesNotMatch"), changed
    call = {"Host": HOST, "X-Amz-Target": "AmazonSQS.ReceiveMessage"}
    assert code(door.refusal("GET", target, call, b"{}")) == (403, "AccessDenied")
    assert code(door.refusal("GET", address(secret="guess"), {"Host": HOST}, b"")) == (
        403,
        "SignatureDoesNotMatch",
    )


def test_an_upload_takes_the_bytes_that_were_announced(door):
    target = address("put_object", ChecksumSHA256="c2hhMjU2", ContentLength=4)
    headers = {"Host": HOST, "x-amz-checksum-sha256": "c2hhMjU2", "Content-Length": "4"}
    assert code(door.refusal("PUT", target, headers, b"code")) is None
    assert (
        code(door.refusal("PUT", target, {**headers, "x-amz-checksum-sha256": "b3RoZXI="}, b"evil"))
        is not None
    )
    assert code(door.refusal("PUT", target, {"Host": HOST, "Content-Length": "4"}, b"evil")) is not None
