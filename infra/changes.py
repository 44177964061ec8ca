"""Change sets: what CloudFormation is going to do, in words, and doing it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from infra.account import Account
from infra.errors import CloudError
from infra.stack import written
from infra.templates import Template

Say = Callable[[str], None]
KINDS = {
    "AWS::ApiGateway::Deployment": "publication of the API",
    "AWS::ApiGateway::RestApi": "API",
    "AWS::ApiGateway::Stage": "stage of the API",
    "AWS::CloudWatch::Alarm": "alarm",
    "AWS::CloudWatch::Dashboard": "dashboard",
    "AWS::DynamoDB::Table": "table",
    "AWS::Events::Rule": "timer",
    "AWS::IAM::Role": "role",
    "AWS::Lambda::EventInvokeConfig": "rule for calls that fail",
    "AWS::Lambda::Function": "function",
    "AWS::Lambda::Permission": "permission to call a function",
    "AWS::Logs::LogGroup": "log group",
    "AWS::S3::Bucket": "bucket",
    "AWS::S3::BucketPolicy": "policy of the bucket",
    "AWS::SNS::Subscription": "mail subscription",
    "AWS::SNS::Topic": "topic",
    "AWS::SQS::Queue": "queue",
}
KEPT = ("Table", "Bucket", "RestAPI")
"""What must not be made anew: it holds the data, or is the address that workers know."""
NOTHING_TO_DO = re.compile("didn't contain changes|No updates are to be performed")
PATIENCE = 1800
LOOK_EVERY = 2.0
_SETTLED = ("_COMPLETE", "_FAILED")
_STACK = "AWS::CloudFormation::Stack"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that will be done. `verb` is make, change, replace or remove."""

    verb: str
    kind: str
    name: str
    because: tuple[str, ...] = ()

    def __str__(self) -> str:
        """In words."""
        why = f" ({', '.join(self.because)})" if self.because else ""
        return f"{self.verb:<8}{KINDS.get(self.kind, self.kind)} {self.name}{why}"


class Stack:
    """The CloudFormation stack of a stage."""

    def __init__(self, account: Account, name: str) -> None:
        self.name = name
        self.account = account
        self._proposal = ""
        self._pace = account.pace
        self._aws = account.client("cloudformation")

    def describe(self) -> dict[str, Any] | None:
        """As it stands; None if there is none, or only a proposal to make it."""
        found = self._found(self.name)
        return None if found is None or found["StackStatus"] == "REVIEW_IN_PROGRESS" else found

    def is_there(self) -> bool:
        """Whether there is anything of that name, be it what was proposed once and never made."""
        return self._found(self.name) is not None

    def _found(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._aws.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return None if found["StackStatus"] == "DELETE_COMPLETE" else found

    def functions(self) -> set[str]:
        """The functions that belong to it, by their names in the account."""
        if not self.is_there():
            return set()
        found = self._aws.describe_stack_resources(StackName=self.name)["StackResources"]
        ours = (each for each in found if each.get("ResourceType") == "AWS::Lambda::Function")
        there = (each for each in ours if each["ResourceStatus"] != "DELETE_COMPLETE")
        return {each["PhysicalResourceId"] for each in there if "PhysicalResourceId" in each}

    def outputs(self) -> dict[str, str]:
        """What it says of itself, by name."""
        found = self.describe() or {}
        return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", ())}

    def parameters(self) -> dict[str, str]:
        """What it was last made with, by name."""
        found = self.describe() or {}
        return {each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", ())}

    def propose(
        self, template: Template, parameters: Mapping[str, str], *, url: str | None = None
    ) -> list[Change]:
        """Have CloudFormation say what it would do; nothing is done yet. Empty: it is so already.

        Args:
            template: What the stack is to be.
            parameters: Those with new values; others keep theirs. One that the template does not have goes: an
                older version's has fewer.
            url: Where CloudFormation finds the template, if it is too large to be sent.
        """
        old = self.describe()
        kept = (self.parameters().keys() & template["Parameters"].keys()) - parameters.keys()
        values: list[dict[str, Any]] = [
            {"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()
        ]
        values += [{"ParameterKey": name, "UsePreviousValue": True} for name in sorted(kept)]
        self._proposal = f"headrace-{token_hex(4)}"
        asked = {
            "ChangeSetType": "UPDATE" if old else "CREATE",
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
            "Parameters": values,
            "Tags": [{"Key": "headrace:stack", "Value": self.name}],
            **({"TemplateURL": url} if url else {"TemplateBody": written(template)}),
        }
        try:
            self._aws.create_change_set(StackName=self.name, ChangeSetName=self._proposal, **asked)
        except ClientError as error:
            if NOTHING_TO_DO.search(str(error)) is None:
                raise
            return []
        try:
            self._aws.get_waiter("change_set_create_complete").wait(
                StackName=self.name,
                ChangeSetName=self._proposal,
                WaiterConfig={"Delay": 1, "MaxAttempts": 300},
            )
        except WaiterError as error:
            return self._nothing_or_wrong(error)
        return list(self._changes())

    def forget(self) -> None:
        """Drop what was proposed."""
        self._aws.delete_change_set(StackName=self.name, ChangeSetName=self._proposal)

    def carry_out(self, say: Say) -> None:
        """Do what was proposed; tell of each step. Raises `CloudError` with AWS's reason if it fails."""
        doing = self._begun()
        self._aws.execute_change_set(StackName=self.name, ChangeSetName=self._proposal)
        status = self._follow(doing, say)
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise CloudError(
                f"CloudFormation undid it: {self._why(doing)}",
                "Mend the reason and repeat the command. Nothing that was there before is lost.",
            )

    def go_on_undoing(self, say: Say) -> None:
        """Finish the undoing of a change that itself came to a halt. Raises `CloudError` if it halts again."""
        doing = self._begun()
        self._aws.continue_update_rollback(StackName=self.name)
        if self._follow(doing, say) != "UPDATE_ROLLBACK_COMPLETE":
            raise CloudError(
                f"CloudFormation could not undo it: {self._why(doing)}",
                f"Mend the reason and repeat the command; the console shows more of {self.name}.",
            )

    def delete(self, say: Say) -> str | None:
        """Delete the stack, with all that is in it. What keeps it from that, if anything does."""
        doing = self._begun()
        self._aws.delete_stack(StackName=self.name)
        return None if self._follow(doing, say) == "DELETE_COMPLETE" else self._why(doing)

    def _nothing_or_wrong(self, error: WaiterError) -> list[Change]:
        reason = str(error.last_response.get("StatusReason", error))
        self.forget()
        if NOTHING_TO_DO.search(reason):
            return []
        raise CloudError(f"CloudFormation refuses the template: {reason}")

    def _changes(self) -> Iterator[Change]:
        token: dict[str, str] = {}
        while True:
            page = self._aws.describe_change_set(StackName=self.name, ChangeSetName=self._proposal, **token)
            for each in page["Changes"]:
                said = each["ResourceChange"]
                reasons = {detail["Target"].get("Name") for detail in said.get("Details", ())}
                verb = {"Add": "make", "Remove": "remove"}.get(said["Action"], "change")
                if said.get("Replacement") == "True":
                    verb = "replace"
                because = tuple(sorted(reason for reason in reasons if reason)) if verb != "make" else ()
                yield Change(verb, said["ResourceType"], said["LogicalResourceId"], because)
            if "NextToken" not in page:
                return
            token = {"NextToken": page["NextToken"]}

    def _begun(self) -> _Doing:
        """Where things stand before something is begun. By its id a stack is found when it is gone, too."""
        found = self._found(self.name)
        stack = str(found["StackId"]) if found else self.name
        return _Doing(stack, {event["EventId"] for event in self._events(stack)})

    def _events(self, stack: str) -> list[dict[str, Any]]:
        try:
            events: list[dict[str, Any]] = self._aws.describe_stack_events(StackName=stack)["StackEvents"]
        except ClientError as error:
            if "does not exist" in str(error):
                return []
            raise
        return events[::-1]

    def _follow(self, doing: _Doing, say: Say) -> str:
        """Tell what happens until all has settled; the stack's last status.

        An event of the stack's own decides that has come since: its status may still be that of before.
        """
        told = set(doing.before)
        until = self._pace.now() + PATIENCE
        while self._pace.now() < until:
            for event in self._events(doing.stack):
                if event["EventId"] in told:
                    continue
                told.add(event["EventId"])
                _tell(event, self.name, say)
                status = str(event["ResourceStatus"])
                if _is_of_the_stack(event) and status.endswith(_SETTLED):
                    return status
            if self._found(doing.stack) is None:
                return "DELETE_COMPLETE"
            self._pace.wait(LOOK_EVERY)
        raise CloudError(
            f"{self.name} has not settled within {PATIENCE // 60} minutes.", "Repeat the command."
        )

    def _why(self, doing: _Doing) -> str:
        """The first reason that is not another's."""
        for event in self._events(doing.stack):
            failed = event["ResourceStatus"].endswith("_FAILED") and event["EventId"] not in doing.before
            reason = event.get("ResourceStatusReason", "")
            if failed and "cancelled" not in reason:
                return f"{event['LogicalResourceId']}: {reason}"
        return "it does not say why"


@dataclass(frozen=True, slots=True)
class _Doing:
    """Something that CloudFormation does: to which stack, and the events of before it."""

    stack: str
    before: set[str]


def _is_of_the_stack(event: Mapping[str, Any]) -> bool:
    return bool(event["ResourceType"] == _STACK and event["PhysicalResourceId"] == event["StackId"])


def refuse_loss(changes: Sequence[Change], stack: Stack) -> None:
    """Drop a proposal by which data or the API's address would go. Raises `CloudError` that says what."""
    lost = [change for change in changes if change.name in KEPT and change.verb in ("replace", "remove")]
    if lost:
        stack.forget()
        raise CloudError(
            "Refused, since data or the API's address would be lost: " + "; ".join(map(str, lost)),
            f"Make a new stage beside this one, and move: {stack.account.command('up', 'NEW')}",
        )


def _tell(event: Mapping[str, Any], stack: str, say: Say) -> None:
    status, name = event["ResourceStatus"], event["LogicalResourceId"]
    if name == stack or not status.endswith(_SETTLED):
        return
    kind = KINDS.get(event["ResourceType"], event["ResourceType"])
    done = status.replace("_", " ").lower()
    say(f"  {done:<18}{kind} {name}")
