"""An account of moto's in this process, for what is decided beside the calls themselves."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from botocore.awsrequest import AWSResponse

from infra import stack
from infra.account import Account, Pace
from infra.changes import Stack
from infra.names import Names
from infra.packaging import RUNTIME

REGION = "eu-west-1"


@dataclass
class Clock:
    """Time passes by being waited for."""

    at: float = 0.0
    waits: list[float] = field(default_factory=list)

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.at += seconds

    @property
    def pace(self) -> Pace:
        return Pace(lambda: self.at, self.wait)


@dataclass
class Said:
    """What a command tells people, and what they answer."""

    lines: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    answer: bool = True

    def say(self, line: str) -> None:
        self.lines.append(line)

    def confirm(self, question: str) -> bool:
        self.asked.append(question)
        return self.answer

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def project(root: Path) -> Path:
    """As much of a checkout as `python -m infra provision` looks at."""
    (root / ".chalice").mkdir()
    empty = {"environment_variables": {}, "lambda_functions": {"tick": {}}}
    stages: dict[str, Any] = dict.fromkeys(("dev", "prod"), empty)
    (root / ".chalice" / "config.json").write_text(json.dumps({"stages": stages}))
    return root


def of_a_new_customer(account: Account) -> Account:
    """The account with its quota, of which moto knows nothing: ten functions at once."""
    own = account.session.create_client("lambda", region_name=account.region)

    def quota(**_: Any) -> tuple[AWSResponse, dict[str, Any]]:
        return AWSResponse("", 200, {}, io.BytesIO()), {
            "AccountLimit": {"UnreservedConcurrentExecutions": 10}
        }

    own.meta.events.register("before-call.lambda.GetAccountSettings", quota)
    return replace(account, clients={**account.clients, "lambda": own})


def base_stack(account: Account, names: Names) -> Stack:
    """What outlives the code, as both ways make it first."""
    made = Stack(account, names.stack)
    made.propose(stack.base(), {"Stage": names.stage})
    made.carry_out(lambda line: None)
    return made


def add_function(account: Account, name: str) -> None:
    """A function that belongs to no stack."""
    trust = {"Version": "2012-10-17", "Statement": []}
    role = account.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", "")
    account.client("lambda").create_function(
        FunctionName=name,
        Runtime=RUNTIME,
        Role=role["Role"]["Arn"],
        Handler="app.app",
        Code={"ZipFile": code.getvalue()},
    )


def stack_with_function(account: Account, names: Names) -> Stack:
    """A stack that has the API's function, as `headrace cloud up` makes it."""
    trust = {"Version": "2012-10-17", "Statement": []}
    role = account.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument=json.dumps(trust))
    function = {
        "FunctionName": names.functions["api"],
        "Runtime": RUNTIME,
        "Handler": "app.app",
        "Role": role["Role"]["Arn"],
        "Code": {"ZipFile": "x"},
    }
    template: dict[str, Any] = stack.base()
    template["Resources"]["APIHandler"] = {"Type": "AWS::Lambda::Function", "Properties": function}
    template["Outputs"]["ApiUrl"] = {"Value": "https://x.example/prod/api"}
    made = Stack(account, names.stack)
    made.propose(template, {"Stage": names.stage})
    made.carry_out(lambda line: None)
    return made
