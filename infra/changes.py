"""Change sets: what CloudFormation is going to do, in words, and doing it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from infra.account import Account
from infra.errors import CloudError

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
        self._proposal = ""
        self._aws = account.client("cloudformation")

    def describe(self) -> dict[str, Any] | None:
        """As it stands; None if there is none."""
        try:
            found: dict[str, Any] = self._aws.describe_stacks(StackName=self.name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return None if found["StackStatus"] in ("DELETE_COMPLETE", "REVIEW_IN_PROGRESS") else found

    def outputs(self) -> dict[str, str]:
        """What it says of itself, by name."""
        found = self.describe() or {}
        return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", ())}

    def propose(self, template: Mapping[str, str], parameters: Mapping[str, str]) -> list[Change]:
        """Have CloudFormation say what it would do; nothing is done yet. Empty: it is so already.

        Args:
            template: `TemplateBody` or `TemplateURL`.
            parameters: Those with new values; others keep theirs.
        """
        old = self.describe()
        kept = {each["ParameterKey"] for each in (old or {}).get("Parameters", ())} - parameters.keys()
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
            **template,
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
        seen = {event["EventId"] for event in self._events()}
        self._aws.execute_change_set(StackName=self.name, ChangeSetName=self._proposal)
        status = self._follow(say, seen)
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise CloudError(
                f"CloudFormation undid it: {self._why(seen)}",
                "Mend the reason and repeat the command. Nothing that was there before is lost.",
            )

    def delete(self, say: Say) -> None:
        """Delete the stack, with all that is in it."""
        seen = {event["EventId"] for event in self._events()}
        self._aws.delete_stack(StackName=self.name)
        if self._follow(say, seen) != "DELETE_COMPLETE":
            raise CloudError(
                f"CloudFormation could not delete everything: {self._why(seen)}", "Repeat the command."
            )

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

    def _events(self) -> list[dict[str, Any]]:
        try:
            events: list[dict[str, Any]] = self._aws.describe_stack_events(StackName=self.name)["StackEvents"]
        except ClientError:
            return []
        return events[::-1]

    def _follow(self, say: Say, seen: set[str]) -> str:
        """Tell what happens until all has settled; the stack's last status."""
        told = set(seen)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            for event in self._events():
                if event["EventId"] not in told:
                    told.add(event["EventId"])
                    _tell(event, self.name, say)
            status = (self.describe() or {"StackStatus": "DELETE_COMPLETE"})["StackStatus"]
            if status.endswith(_SETTLED):
                return str(status)
            time.sleep(LOOK_EVERY)
        raise CloudError(
            f"{self.name} has not settled within {PATIENCE // 60} minutes.", "Repeat the command."
        )

    def _why(self, seen: set[str]) -> str:
        for event in self._events():
            failed = event["ResourceStatus"].endswith("_FAILED") and event["EventId"] not in seen
            reason = event.get("ResourceStatusReason", "")
            if failed and "cancelled" not in reason:
                return f"{event['LogicalResourceId']}: {reason}"
        return "it does not say why"


def _tell(event: Mapping[str, Any], stack: str, say: Say) -> None:
    status, name = event["ResourceStatus"], event["LogicalResourceId"]
    if name == stack or not status.endswith(_SETTLED):
        return
    kind = KINDS.get(event["ResourceType"], event["ResourceType"])
    done = status.replace("_", " ").lower()
    say(f"  {done:<18}{kind} {name}")
