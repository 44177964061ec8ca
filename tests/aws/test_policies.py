"""Who may do what in the account: a table of what is allowed and what is not, asked of moto's IAM."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import cache
from typing import Any

import pytest
from moto.iam.access_control import IAMPolicy, PermissionResult

from chalicelib.domain.worker_policy import queue_prefix, session_policy
from infra.cloud import documents
from infra.errors import CloudError
from tests.aws.conftest import ROOT

ACCOUNT, REGION, STAGE = "111122223333", "eu-west-1", "prod"
HERE = f"{REGION}:{ACCOUNT}"
TABLE = f"arn:aws:dynamodb:{HERE}:table/headrace-prod"
OTHER_TABLE = f"arn:aws:dynamodb:{HERE}:table/headrace-dev"
QUEUE = f"arn:aws:sqs:{HERE}:{queue_prefix(STAGE, 'mill')}q0123456789ab"
OTHER_QUEUE = f"arn:aws:sqs:{HERE}:headrace-dev-0123456789ab-q1"
DEAD = f"arn:aws:sqs:{HERE}:headrace-prod_dead-letters"
BUCKET = f"arn:aws:s3:::headrace-prod-{ACCOUNT}-{REGION}"
OTHER_BUCKET = f"arn:aws:s3:::headrace-dev-{ACCOUNT}-{REGION}"
WORKER = f"arn:aws:iam::{ACCOUNT}:role/headrace-prod-{REGION}-worker"
API_LOG = f"arn:aws:logs:{HERE}:log-group:/aws/lambda/headrace-prod:log-stream:a"
TICK_LOG = f"arn:aws:logs:{HERE}:log-group:/aws/lambda/headrace-prod-tick:log-stream:a"
FUNCTION = f"arn:aws:lambda:{HERE}:function:headrace-prod"
STACK = f"arn:aws:cloudformation:{HERE}:stack/headrace-prod/0"

READING = re.compile(r"\w+:(Get|Describe)\S*")

ALLOWED = [
    *(("api", f"dynamodb:{action}", TABLE) for action in ("GetItem", "PutItem", "UpdateItem", "DeleteItem")),
    *(("api", f"dynamodb:{action}", TABLE) for action in ("BatchGetItem", "ConditionCheckItem")),
    ("api", "dynamodb:Query", f"{TABLE}/index/lane"),
    *(("api", f"sqs:{action}", QUEUE) for action in ("CreateQueue", "DeleteQueue", "SendMessage")),
    ("api", "s3:GetObject", f"{BUCKET}/bundles/ab"),
    ("api", "s3:PutObject", f"{BUCKET}/bundles/ab"),
    ("api", "s3:PutObject", f"{BUCKET}/parameters/ab"),
    ("api", "s3:DeleteObject", f"{BUCKET}/parameters/ab"),
    ("api", "s3:ListBucket", BUCKET),
    ("api", "sts:AssumeRole", WORKER),
    ("api", "logs:PutLogEvents", API_LOG),
    ("tick", "dynamodb:UpdateItem", TABLE),
    ("tick", "dynamodb:Query", f"{TABLE}/index/lane"),
    ("tick", "sqs:SendMessage", QUEUE),
    ("tick", "sqs:DeleteQueue", QUEUE),
    ("tick", "sqs:SendMessage", DEAD),
    ("tick", "logs:PutLogEvents", TICK_LOG),
    *(("worker", f"sqs:{action}", QUEUE) for action in ("ReceiveMessage", "DeleteMessage")),
    *(("worker", f"sqs:{action}", QUEUE) for action in ("ChangeMessageVisibility", "GetQueueUrl")),
    ("operator", "cloudformation:ExecuteChangeSet", STACK),
    ("operator", "lambda:UpdateFunctionCode", FUNCTION),
    ("operator", "dynamodb:DeleteTable", TABLE),
    ("operator", "s3:DeleteObject", f"{BUCKET}/code/ab.zip"),
    ("operator", "sqs:DeleteQueue", QUEUE),
    ("operator", "sqs:ListQueues", "*"),
    ("operator", "iam:PutRolePolicy", WORKER),
    ("operator", "logs:FilterLogEvents", f"arn:aws:logs:{HERE}:log-group:/aws/lambda/headrace-prod-tick"),
]
DENIED = [
    *(
        ("api", f"dynamodb:{action}", TABLE)
        for action in ("Scan", "DeleteTable", "UpdateTable", "ExportTable")
    ),
    ("api", "dynamodb:GetItem", OTHER_TABLE),
    ("api", "dynamodb:GetItem", f"{TABLE}2"),
    ("api", "sqs:SendMessage", OTHER_QUEUE),
    ("api", "sqs:ReceiveMessage", QUEUE),
    ("api", "sqs:DeleteQueue", DEAD),
    ("api", "s3:GetObject", f"{BUCKET}/code/ab.zip"),
    ("api", "s3:PutObject", f"{BUCKET}/code/ab.zip"),
    ("api", "s3:PutObject", f"{OTHER_BUCKET}/bundles/ab"),
    ("api", "s3:DeleteBucket", BUCKET),
    ("api", "s3:DeleteObject", f"{BUCKET}/bundles/ab"),
    ("api", "sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/admin"),
    ("api", "logs:CreateLogGroup", API_LOG),
    ("api", "iam:PassRole", WORKER),
    ("api", "sts:AssumeRole", WORKER.replace(REGION, "us-east-1")),
    ("tick", "sts:AssumeRole", WORKER),
    ("tick", "s3:GetObject", f"{BUCKET}/bundles/ab"),
    ("tick", "sqs:CreateQueue", QUEUE),
    ("tick", "dynamodb:Scan", TABLE),
    ("tick", "logs:PutLogEvents", API_LOG),
    *(("worker", f"sqs:{action}", QUEUE) for action in ("SendMessage", "DeleteQueue", "PurgeQueue")),
    ("worker", "sqs:ReceiveMessage", OTHER_QUEUE),
    ("worker", "sqs:ReceiveMessage", DEAD),
    ("worker", "dynamodb:GetItem", TABLE),
    ("worker", "s3:GetObject", f"{BUCKET}/bundles/ab"),
    ("worker", "sts:AssumeRole", WORKER),
    ("operator", "iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/admin"),
    ("operator", "iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/me"),
    ("operator", "iam:AttachRolePolicy", WORKER),
    ("operator", "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/admin"),
    ("operator", "iam:CreateAccessKey", f"arn:aws:iam::{ACCOUNT}:user/me"),
    ("operator", "sts:AssumeRole", WORKER),
    ("operator", "dynamodb:Scan", TABLE),
    ("operator", "lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:payroll"),
    ("operator", "events:PutRule", f"arn:aws:events:{HERE}:rule/payroll"),
    ("operator", "sqs:ReceiveMessage", QUEUE),
    ("operator", "sns:DeleteTopic", f"arn:aws:sns:{HERE}:payroll"),
    ("operator", "cloudwatch:DeleteAlarms", f"arn:aws:cloudwatch:{HERE}:alarm:payroll"),
    ("operator", "logs:DeleteLogGroup", f"arn:aws:logs:{HERE}:log-group:/aws/lambda/headrace-dev"),
    ("operator", "apigateway:DELETE", "arn:aws:apigateway:us-east-1::/restapis/a"),
    ("operator", "apigateway:POST", f"arn:aws:apigateway:{REGION}::/domainnames"),
    ("operator", "dynamodb:DeleteTable", OTHER_TABLE),
    ("operator", "s3:DeleteBucket", OTHER_BUCKET),
    ("operator", "lambda:UpdateFunctionCode", f"arn:aws:lambda:{HERE}:function:payroll"),
    ("operator", "cloudformation:DeleteStack", f"arn:aws:cloudformation:{HERE}:stack/headrace-dev/0"),
    ("operator", "dynamodb:GetItem", f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/headrace-prod"),
]


@cache
def policy(who: str) -> str:
    return json.dumps(documents(STAGE, ACCOUNT, REGION)[who])


def may(document: str, action: str, resource: str) -> bool:
    result = IAMPolicy({"policy_document": document}).is_action_permitted(action, resource)
    return result == PermissionResult.PERMITTED


@pytest.mark.parametrize(("who", "action", "resource"), ALLOWED)
def test_may(who: str, action: str, resource: str) -> None:
    assert may(policy(who), action, resource)


@pytest.mark.parametrize(("who", "action", "resource"), DENIED)
def test_may_not(who: str, action: str, resource: str) -> None:
    assert not may(policy(who), action, resource)


def test_a_worker_s_session_reaches_its_own_pool_only() -> None:
    narrowed = session_policy(WORKER, REGION, STAGE, "mill")
    other = f"arn:aws:sqs:{HERE}:{queue_prefix(STAGE, 'quarry')}q0123456789ab"
    assert may(narrowed, "sqs:ReceiveMessage", QUEUE)
    assert not may(narrowed, "sqs:ReceiveMessage", other)
    assert may(policy("worker"), "sqs:ReceiveMessage", other), "the role itself reaches all of the stage"


def test_a_role_is_handed_to_lambda_alone() -> None:
    (passing,) = (
        each for each in json.loads(policy("operator"))["Statement"] if "iam:PassRole" in each["Action"]
    )
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}


BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/headrace-prod-boundary"


def powers(boundary: str | None) -> dict[str, list[Any]]:
    """By right over roles: the conditions of the statements that give it."""
    document = documents(STAGE, ACCOUNT, REGION, boundary)["operator"]
    wanted = ("iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary")
    return {
        right: [each.get("Condition") for each in document["Statement"] if right in each["Action"]]
        for right in wanted
    }


def test_with_a_boundary_no_role_is_made_or_empowered_without_it() -> None:
    bounded = {"StringEquals": {"iam:PermissionsBoundary": BOUNDARY}}
    assert powers(BOUNDARY) == {
        "iam:CreateRole": [bounded],
        "iam:PutRolePolicy": [bounded],
        "iam:PutRolePermissionsBoundary": [bounded],
    }
    assert powers(None)["iam:CreateRole"] == [None]
    every = documents(STAGE, ACCOUNT, REGION, BOUNDARY)["operator"]["Statement"]
    ways = {"iam:AttachRolePolicy", "iam:DeleteRolePermissionsBoundary", "iam:CreatePolicyVersion", "iam:*"}
    assert not ways & {action for each in every for action in each["Action"]}


@pytest.mark.parametrize(("who", "action", "resource"), [each for each in ALLOWED if each[0] != "operator"])
def test_the_boundary_leaves_each_role_what_it_may_do(who: str, action: str, resource: str) -> None:
    assert may(policy("boundary"), action, resource)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/eve"),
        ("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/Admin"),
        ("dynamodb:GetItem", OTHER_TABLE),
        ("s3:GetObject", f"{OTHER_BUCKET}/bundles/a"),
        ("lambda:InvokeFunction", f"arn:aws:lambda:{HERE}:function:payroll"),
    ],
)
def test_the_boundary_ends_at_the_stage(action: str, resource: str) -> None:
    assert not may(policy("boundary"), action, resource)


@pytest.mark.parametrize("who", ["operator", "boundary"])
def test_a_managed_policy_has_room_for_it(who: str) -> None:
    longest = documents("s" * 16, ACCOUNT, "ap-southeast-1", BOUNDARY)[who]
    assert len(json.dumps(longest, separators=(",", ":"))) <= 6144  # without white space (IAM quotas)


def test_nothing_is_allowed_on_everything_but_what_has_no_name() -> None:
    nameless = {
        "cloudwatch:DescribeAlarms",
        "lambda:GetAccountSettings",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "sqs:ListQueues",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
    for document in documents(STAGE, ACCOUNT, REGION).values():
        for statement in document["Statement"]:
            actions = statement["Action"]
            wide = [action for action in actions if "*" in action]
            assert not [action for action in wide if not READING.match(action)]
            if statement["Resource"] == "*":
                assert set(actions) <= nameless


def test_the_command_prints_the_same() -> None:
    command = [sys.executable, "-m", "headrace.cli.main", "cloud", "policies", "tick", "--stage", STAGE]
    command += ["--account", ACCOUNT, "--region", REGION]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == json.loads(policy("tick"))


@pytest.mark.parametrize(
    "stage", ["", "Prod", "prod-eu", "prod_eu", "1st", "a" * 17, "prod*", "prod/x", "ü", "a b"]
)
def test_a_stage_that_would_widen_a_policy_is_refused(stage: str) -> None:
    with pytest.raises(CloudError, match="is no name of a stage"):
        documents(stage, ACCOUNT, REGION)


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-west-1", "aws"), ("*", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_addresses_are_of_the_regions_partition(region: str, partition: str) -> None:
    text = json.dumps(documents(STAGE, ACCOUNT, region))
    assert set(re.findall(r"arn:([^:]*):", text)) == {partition}
