"""The packed product in an account that is emulated: from nothing to a running schedule, and back to nothing.

The operator has the rights of `headrace cloud policies operator`, the functions those of their roles, the worker
has an API key alone; the emulator checks each call against IAM.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.aws import life
from tests.aws.emulator import REGION, ROOT_KEYS, Emulator, emulator
from tests.support.town import Town, town

ACCOUNT = "000000000000"


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[Emulator]:
    folder = tmp_path / "aws"
    folder.mkdir()
    with emulator(folder) as made:
        yield made


def operator_keys(aws: Emulator, where: Town) -> dict[str, str]:
    """A person with the policy that the command prints, and no other right."""
    text = life.cloud(
        where, "policies", "operator", "--stage", aws.stage, "--account", ACCOUNT, "--region", REGION
    )
    document = json.dumps(json.loads(text), separators=(",", ":"))
    iam = aws.client("iam")
    iam.create_user(UserName="operator")
    policy = iam.create_policy(PolicyName="headrace-operator", PolicyDocument=document)["Policy"]["Arn"]
    iam.attach_user_policy(UserName="operator", PolicyArn=policy)
    # A rule of the default bus has no bus in its ARN, a dashboard one without a region (AWS, resources of EventBridge
    # and CloudWatch); the emulator puts one there, and knows none of the other.
    looks = {"Effect": "Allow", "Action": ["events:DescribeRule", "cloudwatch:GetDashboard"], "Resource": "*"}
    more = json.dumps({"Version": "2012-10-17", "Statement": [looks]})
    iam.put_user_policy(UserName="operator", PolicyName="looks", PolicyDocument=more)
    key = iam.create_access_key(UserName="operator")["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}


def allow_batches(aws: Emulator) -> None:
    """The right to send is the right to send in batches (AWS, actions of SQS); the emulator wants it said."""
    allowed = {"Effect": "Allow", "Action": "sqs:SendMessageBatch", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    for role in (f"headrace-prod-{REGION}-api_handler", f"headrace-prod-{REGION}-tick"):
        aws.client("iam").put_role_policy(RoleName=role, PolicyName="batches", PolicyDocument=document)


@pytest.mark.timeout(900)
def test_from_nothing_to_a_running_schedule_and_back_to_nothing(aws: Emulator, tmp_path: Path) -> None:
    for name in ("operator", "machine"):
        (tmp_path / name).mkdir()
    checkout = life.copied(tmp_path / "checkout")
    sources = {"PYTHONPATH": str(checkout / "workers")}
    with (
        town(tmp_path / "operator", **sources, **aws.settings(**ROOT_KEYS)) as operator,
        town(tmp_path / "machine", **sources, **aws.settings()) as machine,
    ):
        operator.settings |= operator_keys(aws, operator)
        key = life.made_from_nothing(aws, operator)
        allow_batches(aws)
        life.logged_in(machine, life.api_of(operator), key)
        life.runs_and_schedules(operator, machine)
        life.ends_what_runs(aws, operator, machine, checkout)
        life.brought_to_this_version(aws, operator)
        life.gone_without_a_trace(aws, operator, machine)
