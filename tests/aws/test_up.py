"""What `headrace cloud up` says and refuses before it changes anything."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from infra import protection, stack
from infra.account import Account
from infra.errors import CloudError
from infra.look import status
from infra.names import Names
from infra.quota import close, reopen
from infra.remains import Remains
from infra.up import Up, Wish
from infra.upgrading import PATIENCE
from tests.aws.conftest import ROOT
from tests.aws.in_process import REGION, Clock, Said, add_function, base_stack, of_a_new_customer

NAMES = Names("prod")
pytestmark = pytest.mark.filterwarnings(
    "ignore:Tried to parse"
)  # moto knows no policies of buckets, no alarms


@pytest.fixture
def account(account: Account) -> Account:
    """Of a new customer: ten functions at once."""
    return of_a_new_customer(account)


def small_stack(account: Account, version: str) -> None:
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {"Version": {"Value": version}},
    }
    account.client("cloudformation").create_stack(StackName=NAMES.stack, TemplateBody=stack.written(template))


def test_a_plan_for_a_new_stage_tells_all_and_makes_nothing(account: Account) -> None:
    said = Said()
    wish = Wish("prod", plan=True, parameters={"Alarms": "on", "Dashboard": "on"})
    assert Up(account, ROOT, said.say, said.confirm).make(wish) is None
    for line in (
        "make    table Table",
        "make    function Tick",
        "make    alarm TickAlarm",
        "make    dashboard Board",
    ):
        assert f"  {line}" in said.lines
    assert "  --alarms: Six CloudWatch alarms" in said.text and "0.60 USD" in said.text
    assert "  --dashboard: A CloudWatch dashboard." in said.text and "3.00 USD a month" in said.text
    assert "--xray" not in said.text
    assert "  make    mail subscription AlarmMail" not in said.lines
    assert "(10) is too small to reserve one for the tick; left out" in said.text
    assert not said.asked
    assert list(Remains(account, NAMES).all()) == []


def test_a_later_version_s_stage_is_left_alone(account: Account) -> None:
    small_stack(account, version="99.0")
    said = Said()
    with pytest.raises(CloudError, match=r"The stage is of version 99\.0"):
        Up(account, ROOT, said.say, said.confirm).make(Wish("prod"))
    assert not said.lines


@pytest.mark.parametrize(
    ("status", "message", "hint"),
    [
        ("UPDATE_IN_PROGRESS", "Something is being done to headrace-prod just now", "Wait until it is over"),
        (
            "ROLLBACK_COMPLETE",
            "An earlier attempt left headrace-prod unusable",
            "headrace cloud down --stage prod --region eu-west-1 --profile mill",
        ),
        (
            "DELETE_FAILED",
            "An earlier attempt left headrace-prod unusable",
            "headrace cloud down --stage prod --region eu-west-1 --profile mill",
        ),
        ("UPDATE_ROLLBACK_FAILED", "The undoing of an earlier change", "run this without --plan"),
    ],
)
def test_what_stands_in_the_way_is_said(account: Account, status: str, message: str, hint: str) -> None:
    small_stack(account, version="0.0.1")
    own = account.session.create_client("cloudformation", region_name=REGION)

    def stands(parsed: dict[str, Any], **_: Any) -> None:
        for each in parsed.get("Stacks", ()):
            each["StackStatus"] = status

    own.meta.events.register("after-call.cloudformation.DescribeStacks", stands)
    account.clients["cloudformation"] = own
    said = Said()
    with pytest.raises(CloudError, match=message) as refused:
        Up(replace(account, profile="mill"), ROOT, said.say, said.confirm).make(Wish("prod", plan=True))
    assert hint in str(refused.value.hint)
    assert not said.asked


def test_an_upgrade_of_nothing_is_refused(account: Account) -> None:
    said = Said()
    with pytest.raises(CloudError, match=r"There is no headrace-prod in account .*, eu-west-1") as refused:
        Up(account, ROOT, said.say, said.confirm).make(Wish("prod"), must_exist=True)
    assert refused.value.hint == "Make it: headrace cloud up --stage prod --region eu-west-1"


def test_functions_that_an_interrupted_removal_closed_take_calls_again(account: Account) -> None:
    aws = account.client("lambda")
    for function in NAMES.functions.values():
        add_function(account, function)
        close(account, function)

    def now() -> list[int | None]:
        found = (aws.get_function_concurrency(FunctionName=name) for name in NAMES.functions.values())
        return [each.get("ReservedConcurrentExecutions") for each in found]

    assert now() == [0, 0]
    reopen(account, NAMES, reserve=True)
    assert now() == [None, 1]
    aws.put_function_concurrency(FunctionName="headrace-prod", ReservedConcurrentExecutions=5)
    reopen(account, NAMES, reserve=False)
    assert now() == [5, 1], "what somebody else set stays"


def test_the_next_step_of_a_stage_without_an_api_is_told(account: Account) -> None:
    base_stack(account, NAMES)
    with pytest.raises(CloudError, match=r"headrace-prod has no API\.") as refused:
        status(account, "prod")
    assert refused.value.hint == "Make it: headrace cloud up --stage prod --region eu-west-1"


def without_an_api(account: Account) -> None:
    """The next change makes the functions alone: moto can make no API of a template."""
    made: list[str] = []

    def execute(**_: Any) -> tuple[AWSResponse, dict[str, Any]]:
        for function in NAMES.functions.values():
            add_function(account, function)
            made.append(function)
        return AWSResponse("", 200, {}, None), {}

    def tell(parsed: dict[str, Any], **_: Any) -> None:
        if made:
            last = dict(parsed["StackEvents"][0])
            parsed["StackEvents"].insert(0, {**last, "EventId": "x", "ResourceStatus": "UPDATE_COMPLETE"})

    own = account.session.create_client("cloudformation", region_name=REGION)
    own.meta.events.register("before-call.cloudformation.ExecuteChangeSet", execute)
    own.meta.events.register("after-call.cloudformation.DescribeStackEvents", tell)
    account.clients["cloudformation"] = own


def test_a_first_up_that_failed_after_its_base_is_gone_on_with_as_a_first_one(
    account: Account, clock: Clock
) -> None:
    """Its roles are new, so the tick may come before its rights."""
    base_stack(account, NAMES)
    protection.lift(account, NAMES, Said().say)
    without_an_api(account)
    denied = b'{"errorMessage": "not authorized to perform: dynamodb:Query"}'

    def tick(**_: Any) -> tuple[AWSResponse, dict[str, Any]]:
        body = {"FunctionError": "Unhandled", "Payload": io.BytesIO(denied)}
        return AWSResponse("", 200, {}, io.BytesIO()), body

    account.client("lambda").meta.events.register("before-call.lambda.Invoke", tick)
    said = Said()
    with pytest.raises(CloudError, match=r"All is made, but the tick fails: .*dynamodb:Query") as failed:
        Up(account, ROOT, said.say, said.confirm).make(Wish("prod"))
    assert "headrace cloud up --stage prod" in str(failed.value.hint)
    assert said.asked == ["Change stage 'prod' now?"]
    assert clock.at >= PATIENCE
    assert (Remains(account, NAMES).table() or {})["DeletionProtectionEnabled"]
