"""What CloudFormation does is told by its events, whatever its status says meanwhile; failures are told in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from infra.account import Account
from infra.changes import PATIENCE, Change, Stack, refuse_loss
from infra.errors import CloudError
from infra.stack import base
from tests.aws.in_process import Clock, Said

EMPTY: dict[str, Any] = {"Parameters": {}}
NAME, ID = "headrace-prod", "arn:aws:cloudformation:eu-west-1:1:stack/headrace-prod/0"


class Slow:
    """A CloudFormation of which each look shows the next of `script`: the status, and what happened by then."""

    def __init__(self, status: str, *script: tuple[str | None, list[tuple[str, str, str]]]) -> None:
        self._status: str | None = status
        self._script = list(script)
        self._events: list[dict[str, Any]] = []
        self.changes: list[dict[str, Any]] = []
        self.refusal: str | None = None
        self.called: list[str] = []
        self._add([(NAME, status, "")])

    def _add(self, happened: list[tuple[str, str, str]]) -> None:
        for name, status, reason in happened:
            of_stack = name == NAME
            self._events.append(
                {
                    "EventId": str(len(self._events)),
                    "StackId": ID,
                    "PhysicalResourceId": ID if of_stack else name,
                    "LogicalResourceId": name,
                    "ResourceType": "AWS::CloudFormation::Stack" if of_stack else "AWS::Lambda::Function",
                    "ResourceStatus": status,
                    "ResourceStatusReason": reason,
                }
            )

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803 - botocore's names
        if self._status is None:
            refused: Any = {"Error": {"Code": "ValidationError", "Message": f"{StackName} does not exist"}}
            raise ClientError(refused, "DescribeStacks")
        return {"Stacks": [{"StackId": ID, "StackStatus": self._status}]}

    def describe_stack_events(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        assert StackName == ID
        if self.called and self._script:
            self._status, happened = self._script.pop(0)
            self._add(happened)
        return {"StackEvents": self._events[::-1]}

    def __getattr__(self, name: str) -> Any:
        def call(**_: Any) -> dict[str, Any]:
            if name in ("execute_change_set", "delete_stack", "continue_update_rollback"):
                self.called.append(name)
            return {"Changes": self.changes}

        return call

    def get_waiter(self, name: str) -> _Waiter:
        return _Waiter(self)


class _Waiter:
    def __init__(self, aws: Slow) -> None:
        self._aws = aws

    def wait(self, **_: Any) -> None:
        if self._aws.refusal is not None:
            raise WaiterError("change set", "failed", {"StatusReason": self._aws.refusal})


def stack(aws: Slow, clock: Clock) -> Stack:
    return Stack(
        Account("1", "eu-west-1", "arn:aws:iam::1:user/me", None, {"cloudformation": aws}, clock.pace), NAME
    )


def test_a_status_of_before_is_no_end(clock: Clock) -> None:
    aws = Slow(
        "UPDATE_COMPLETE",
        ("UPDATE_COMPLETE", []),
        ("UPDATE_COMPLETE", [(NAME, "UPDATE_IN_PROGRESS", "")]),
        ("UPDATE_IN_PROGRESS", [("Tick", "UPDATE_COMPLETE", "")]),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", [(NAME, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "")]),
        ("UPDATE_COMPLETE", [(NAME, "UPDATE_COMPLETE", "")]),
    )
    said = Said()
    stack(aws, clock).carry_out(said.say)
    assert len(clock.waits) == 4
    assert said.lines == ["  update complete   function Tick"]


def test_a_failed_change_is_told_with_its_first_reason(clock: Clock) -> None:
    aws = Slow(
        "UPDATE_COMPLETE",
        ("UPDATE_IN_PROGRESS", [("Tick", "UPDATE_FAILED", "Quota of code is used up.")]),
        ("UPDATE_IN_PROGRESS", [("APIHandler", "UPDATE_FAILED", "Resource update cancelled")]),
        ("UPDATE_ROLLBACK_COMPLETE", [(NAME, "UPDATE_ROLLBACK_COMPLETE", "")]),
    )
    said = Said()
    with pytest.raises(CloudError) as failed:
        stack(aws, clock).carry_out(said.say)
    assert failed.value.message == "CloudFormation undid it: Tick: Quota of code is used up."
    assert "Nothing that was there before is lost" in str(failed.value.hint)
    assert "  update failed     function Tick" in said.lines


def test_a_stack_that_is_gone_is_deleted(clock: Clock) -> None:
    aws = Slow("CREATE_COMPLETE", ("DELETE_IN_PROGRESS", []), (None, []))
    assert stack(aws, clock).delete(Said().say) is None


def test_what_keeps_a_stack_from_being_deleted_is_told(clock: Clock) -> None:
    kept = [("Bucket", "DELETE_FAILED", "The bucket is not empty"), (NAME, "DELETE_FAILED", "")]
    aws = Slow("CREATE_COMPLETE", ("CREATE_COMPLETE", []), ("DELETE_FAILED", kept))
    assert stack(aws, clock).delete(Said().say) == "Bucket: The bucket is not empty"


def test_a_halted_undoing_is_gone_on_with(clock: Clock) -> None:
    aws = Slow(
        "UPDATE_ROLLBACK_FAILED",
        ("UPDATE_ROLLBACK_FAILED", []),
        ("UPDATE_ROLLBACK_COMPLETE", [(NAME, "UPDATE_ROLLBACK_COMPLETE", "")]),
    )
    stack(aws, clock).go_on_undoing(Said().say)
    assert aws.called == ["continue_update_rollback"]


def test_what_never_settles_is_given_up(clock: Clock) -> None:
    with pytest.raises(CloudError, match="has not settled within 30 minutes"):
        stack(Slow("UPDATE_COMPLETE"), clock).carry_out(Said().say)
    assert clock.at >= PATIENCE


def test_a_template_that_is_refused_is_told_in_words(clock: Clock) -> None:
    aws = Slow("UPDATE_COMPLETE")
    aws.refusal = "Unresolved resource dependencies [Bucket]"
    with pytest.raises(CloudError, match="CloudFormation refuses the template: Unresolved resource"):
        stack(aws, clock).propose(EMPTY, {})


def test_nothing_to_change_is_no_error(clock: Clock) -> None:
    aws = Slow("UPDATE_COMPLETE")
    aws.refusal = "The submitted information didn't contain changes."
    assert stack(aws, clock).propose(EMPTY, {}) == []


def test_changes_are_told_in_words_and_a_loss_is_refused(clock: Clock) -> None:
    def change(action: str, kind: str, name: str, **more: Any) -> Mapping[str, Any]:
        return {"ResourceChange": {"Action": action, "ResourceType": kind, "LogicalResourceId": name, **more}}

    aws = Slow("UPDATE_COMPLETE")
    because = [{"Target": {"Name": "Code"}}, {"Target": {}}]
    renamed = [{"Target": {"Name": "TableName"}}]
    aws.changes = [
        dict(change("Add", "AWS::SNS::Topic", "AlarmTopic")),
        dict(change("Modify", "AWS::Lambda::Function", "Tick", Details=because)),
        dict(change("Modify", "AWS::DynamoDB::Table", "Table", Replacement="True", Details=renamed)),
    ]
    made = stack(aws, clock)
    changes = made.propose(EMPTY, {})
    assert [str(each) for each in changes] == [
        "make    topic AlarmTopic",
        "change  function Tick (Code)",
        "replace table Table (TableName)",
    ]
    with pytest.raises(CloudError, match=r"would be lost: replace table Table \(TableName\)"):
        refuse_loss(changes, made)
    refuse_loss([Change("replace", "AWS::Lambda::Function", "Tick")], made)


@pytest.mark.filterwarnings("ignore:Tried to parse")  # moto knows no policies of buckets
def test_a_parameter_that_an_older_template_does_not_have_is_not_asked_for(account: Account) -> None:
    own = account.session.create_client("cloudformation", region_name=account.region)
    asked: dict[str, Any] = {}
    made = Stack(replace(account, clients={"cloudformation": own}), NAME)
    later = base()
    later["Parameters"]["Novelty"] = {"Type": "String", "Default": "on"}
    made.propose(later, {"Stage": "prod", "LogRetentionDays": "30"})
    made.carry_out(Said().say)
    assert made.parameters()["Novelty"] == "on"

    def look(params: dict[str, Any], **_: Any) -> None:
        asked.update(params)

    own.meta.events.register("provide-client-params.cloudformation.CreateChangeSet", look)
    made.propose(base(), {"Stage": "prod"})
    kept = {each["ParameterKey"] for each in asked["Parameters"] if each.get("UsePreviousValue")}
    assert kept == base()["Parameters"].keys() - {"Stage"}
