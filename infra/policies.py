"""Who may do what in the account: the policies of the roles, to review, to write out and to compare."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from infra.names import partition_of
from infra.templates import merge, read, resolve

Document = dict[str, Any]
ROLES = {"api": "ApiHandlerRole", "tick": "TickRole", "worker": "WorkerRole"}


def role_policy(role: str, stage: str, account: str = "*", region: str = "*") -> Document:
    """What a role may do: `api`, `tick` or `worker`. With any region it is for those of the partition `aws`."""
    given = {
        "Stage": stage,
        "AWS::Partition": partition_of(region),
        "AWS::AccountId": account,
        "AWS::Region": region,
    }
    resources = merge(read("template.yaml"), read("functions.yaml"))["Resources"]
    (policy,) = resources[ROLES[role]]["Properties"]["Policies"]
    document: Document = resolve(policy["PolicyDocument"], given)
    return document


def boundary(stage: str, account: str = "*", region: str = "*") -> Document:
    """What no role of the stage can do more than: all that one of them may, as a managed policy (6,144 characters)."""
    statements = {
        (tuple(each["Action"]), str(each["Resource"])): {
            name: value for name, value in each.items() if name != "Sid"
        }
        for role in ROLES
        for each in role_policy(role, stage, account, region)["Statement"]
    }
    return {"Version": "2012-10-17", "Statement": list(statements.values())}


def chalice_policies(stage: str) -> dict[str, str]:
    """The files of `.chalice` for plain `chalice deploy`, which knows no account: file name -> content."""
    return {
        f"policy-{stage}-{role}.json": json.dumps(role_policy(role, stage), indent=2) + "\n"
        for role in ("api", "tick")
    }


def write_chalice_policies(root: Path) -> None:
    """Write them for the stages of `.chalice/config.json`."""
    stages = json.loads((root / ".chalice" / "config.json").read_text(encoding="utf-8"))["stages"]
    for stage in stages:
        for name, text in chalice_policies(stage).items():
            (root / ".chalice" / name).write_text(text, encoding="utf-8")
