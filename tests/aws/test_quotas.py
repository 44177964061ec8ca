"""What AWS counts and refuses beyond: its documented quotas against what is made, for the longest names."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

import app
from infra.cloud import documents
from infra.names import Names
from infra.packaging import RUNTIME
from infra.stack import Shape, base, whole, written
from infra.templates import resolve
from tests.aws.conftest import ROOT

STAGE, ACCOUNT, REGION = "a" * 16, "111122223333", "ap-southeast-2"
GIVEN = {"Stage": STAGE, "AWS::AccountId": ACCOUNT, "AWS::Region": REGION, "AWS::Partition": "aws"}
NAMES = {
    "BucketName": 63,
    "FunctionName": 64,
    "RoleName": 64,
    "QueueName": 80,
    "AlarmName": 255,
    "TopicName": 256,
}
"""The longest that each kind of name may be."""


@cache
def template() -> dict[str, Any]:
    return whole(ROOT, app.app, Shape(STAGE, f"code/{'0' * 64}.zip"))


@cache
def parts() -> dict[str, Any]:
    resolved: dict[str, Any] = resolve(template()["Resources"], GIVEN)
    return resolved


def of_kind(kind: str) -> Iterator[dict[str, Any]]:
    return (part["Properties"] for part in parts().values() if part["Type"] == kind)


def levels() -> dict[str, set[str]]:
    """API Gateway's resources: each part of a path, below the path before it."""
    below: dict[str, set[str]] = defaultdict(set)
    (api,) = of_kind("AWS::ApiGateway::RestApi")
    for path in api["Body"]["paths"]:
        before = ""
        for part in path.strip("/").split("/"):
            below[before].add(part)
            before += f"/{part}"
    return below


def test_below_a_path_there_is_one_variable_at_most() -> None:
    for path, children in levels().items():
        variables = {child for child in children if child.startswith("{")}
        assert len(variables) <= 1, f"API Gateway refuses siblings of other names below {path}: {variables}"


def test_the_api_has_fewer_resources_than_it_may_have() -> None:
    assert 50 < 1 + sum(map(len, levels().values())) < 300


def test_the_templates_are_small_enough() -> None:
    whole_ = template()
    assert len(written(base()).encode()) <= 51_200, "it is sent within the call"
    assert len(written(whole_).encode()) <= 1_000_000, "it is sent from the bucket"
    assert len(whole_["Resources"]) <= 500
    assert len(whole_["Outputs"]) <= 200
    assert len(whole_["Parameters"]) <= 200


def test_what_the_functions_are_told_fits_into_their_environment() -> None:
    bucket = Names(STAGE).bucket(ACCOUNT, REGION)
    for function in of_kind("AWS::Lambda::Function"):
        assert function["Runtime"] == RUNTIME
        told = function["Environment"]["Variables"]
        values = [each if isinstance(each, str) else bucket * 2 for each in told.values()]
        assert sum(map(len, [*told, *values])) <= 4096


def test_the_functions_end_before_those_who_wait_for_them_give_up() -> None:
    made = parts()
    assert made["APIHandler"]["Properties"]["Timeout"] <= 29, "API Gateway waits so long"
    assert made["Tick"]["Properties"]["Timeout"] < 60, "then comes the next"


def test_every_name_is_short_enough() -> None:
    found = set()
    for part in parts().values():
        for kind, most in NAMES.items():
            name = part["Properties"].get(kind)
            if isinstance(name, str):
                found.add(kind)
                assert len(name) <= most, name
    assert found == NAMES.keys()


def test_the_roles_policies_are_short_enough() -> None:
    for role in of_kind("AWS::IAM::Role"):
        assert sum(compact(each["PolicyDocument"]) for each in role["Policies"]) <= 10_240
        assert compact(role["AssumeRolePolicyDocument"]) <= 2_048


@pytest.mark.parametrize("who", ["operator"])
def test_a_policy_that_people_are_given_fits_into_a_managed_policy(who: str) -> None:
    assert compact(documents(STAGE, ACCOUNT, REGION)[who]) <= 6_144


def compact(document: Any) -> int:
    """AWS does not count white space."""
    return len(json.dumps(document, separators=(",", ":")))
