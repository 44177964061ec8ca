"""What a worker's AWS credentials may do, by an evaluator that is not ours and by the embedded one."""

from __future__ import annotations

import json
import re

import pytest
from moto.iam.access_control import IAMPolicy, PermissionResult

from chalicelib.domain.worker_policy import ACTIONS, queue_prefix, session_name, session_policy
from headrace.local.aws.door import allows

MOST = 2048
"""Characters of a session policy (AWS, AssumeRole)."""
ROLE = "arn:aws:iam::123456789012:role/headrace-prod-worker"
POLICY = session_policy(ROLE, "eu-central-1", "prod", "etl")
QUEUES = "arn:aws:sqs:eu-central-1:123456789012:"
MINE = QUEUES + queue_prefix("prod", "etl")

ALLOWED = [(action, MINE + queue) for action in ACTIONS for queue in ("q0123456789ab", "c0123456789abcdef")]
DENIED = [
    *((action, QUEUES + queue_prefix("prod", "other") + "q0") for action in ACTIONS),
    *((action, QUEUES + queue_prefix("dev", "etl") + "q0") for action in ACTIONS),
    ("sqs:ReceiveMessage", MINE.replace("eu-central-1", "us-east-1") + "q0"),
    ("sqs:ReceiveMessage", MINE.replace("123456789012", "210987654321") + "q0"),
    ("sqs:ReceiveMessage", QUEUES + "headrace-prod-tick-dlq"),
    ("sqs:ReceiveMessage", QUEUES + "x" + queue_prefix("prod", "etl") + "q0"),
    ("sqs:ReceiveMessage", MINE[:-1]),
    *(
        (f"sqs:{action}", MINE + "q0")
        for action in ("SendMessage", "DeleteQueue", "CreateQueue", "PurgeQueue", "SetQueueAttributes")
    ),
    ("sqs:AddPermission", MINE + "q0"),
    ("dynamodb:GetItem", "arn:aws:dynamodb:eu-central-1:123456789012:table/headrace-prod"),
    ("s3:GetObject", "arn:aws:s3:::headrace-prod/bundles/0.zip"),
    ("sts:AssumeRole", ROLE),
    ("iam:PassRole", ROLE),
]


@pytest.mark.parametrize(("action", "resource"), ALLOWED)
def test_it_may_take_from_its_pools_queues(action: str, resource: str) -> None:
    assert IAMPolicy(POLICY).is_action_permitted(action, resource) is PermissionResult.PERMITTED
    assert allows(POLICY, action, resource)


@pytest.mark.parametrize(("action", "resource"), DENIED)
def test_and_nothing_else(action: str, resource: str) -> None:
    assert IAMPolicy(POLICY).is_action_permitted(action, resource) is not PermissionResult.PERMITTED
    assert not allows(POLICY, action, resource)


@pytest.mark.parametrize("policy", [None, "{}", '{"Statement": []}'])
def test_no_policy_allows_nothing(policy: str | None) -> None:
    assert not allows(policy, "sqs:ReceiveMessage", MINE + "q0")


def test_it_fits_into_what_sts_takes() -> None:
    longest = session_policy(
        f"arn:aws-us-gov:iam::123456789012:role/{'p' * 512}/{'r' * 64}",
        "us-gov-east-1",
        "s" * 40,
        "\U0001f600" * 125,
    )
    assert len(longest) < MOST / 4
    assert json.loads(longest)["Statement"][0]["Resource"].startswith("arn:aws-us-gov:sqs:us-gov-east-1:")


def test_pools_with_any_name_have_prefixes_of_their_own() -> None:
    names = ["etl", "etl-", "ETL", "etl 2", "*", "?", "a*", "é", "x" * 200]
    prefixes = {queue_prefix("prod", name) for name in names}
    assert len(prefixes) == len(names)
    assert all(re.fullmatch(r"headrace-prod-[0-9a-f]{12}-", prefix) for prefix in prefixes)


@pytest.mark.parametrize("arn", ["", "worker", "arn:aws:iam::1:role/x", "arn:aws:iam::123456789012:user/x"])
def test_what_is_no_role_makes_no_policy(arn: str) -> None:
    with pytest.raises(ValueError):
        session_policy(arn, "us-east-1", "prod", "etl")


@pytest.mark.parametrize("worker", ["w1", "Anas Laptop", "a@b=c,d.e-f_g", "é\U0001f600", "x" * 200, "*"])
def test_a_workers_name_becomes_a_sessions(worker: str) -> None:
    assert re.fullmatch(r"[\w+=,.@-]{2,64}", session_name(worker), re.ASCII)
