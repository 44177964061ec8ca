"""The templates say what the code says, and a linter that knows CloudFormation has nothing against them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import app
from chalicelib.services.large_parameters import KEPT, MOST_AHEAD
from chalicelib.settings import Settings
from chalicelib.storage.table import Item
from headrace.cli.stages.parameters import RETENTIONS, LogLevel, parameters
from headrace.contract.errors import ErrorBody
from headrace.contract.media import GZIP, JSON, PACKED
from infra import policies
from infra.account import Account
from infra.chalice_template import chalice_template
from infra.gateway import RESPONSES
from infra.names import Names
from infra.stack import Shape, base, whole, written
from infra.templates import read, resolve

ROOT = Path(__file__).resolve().parents[2]
STAGES = ("dev", "prod", "x1")


def resources(stage: str = "prod") -> dict[str, Any]:
    made = whole(ROOT, app.app, Shape(stage, "code/0.zip"))
    resolved: dict[str, Any] = resolve(
        made["Resources"], {"Stage": stage, "AWS::AccountId": "1", "AWS::Region": "here"}
    )
    return resolved


@pytest.mark.parametrize("stage", STAGES)
def test_the_linter_has_nothing_against_any_template(stage: str, tmp_path: Path) -> None:
    for name, reserve in (("reserved", True), ("small-account", False)):
        made = whole(ROOT, app.app, Shape(stage, "code/0.zip", reserve=reserve))
        (tmp_path / f"{name}.json").write_text(written(made))
    if stage == "prod":  # what `chalice package` writes, in SAM's words; the code has no address yet
        packaged = chalice_template(ROOT, stage, app.app)
        (tmp_path / "packaged.json").write_text(json.dumps(packaged, default=str))
    lint = [Path(sys.executable).with_name("cfn-lint"), ROOT / "infra" / "template.yaml", *tmp_path.iterdir()]
    done = subprocess.run(lint, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_compressed_sync_passes_the_gateway_as_it_came() -> None:
    """Otherwise it would read the body as text, and break it."""
    body = resources()["RestAPI"]["Properties"]["Body"]
    assert GZIP in body["x-amazon-apigateway-binary-media-types"]
    path = "/api/work_pools/{pool}/workers/{worker}/sync"
    assert body["paths"][path]["post"]["consumes"] == [JSON]
    sync = body["paths"][path + PACKED]["post"]
    assert sync["consumes"] == [GZIP]
    assert sync["x-amazon-apigateway-integration"]["contentHandling"] == "CONVERT_TO_TEXT"


def test_the_table_is_the_one_that_the_code_draws() -> None:
    table = resources()["Table"]["Properties"]
    schema = Item._get_schema()
    assert {a["AttributeName"]: a["AttributeType"] for a in table["AttributeDefinitions"]} == {
        a["AttributeName"]: a["AttributeType"] for a in schema["attribute_definitions"]
    }
    assert table["KeySchema"] == schema["key_schema"]
    ours = {index["IndexName"]: index for index in table["GlobalSecondaryIndexes"]}
    theirs = {index["index_name"]: index for index in schema["global_secondary_indexes"]}
    assert ours.keys() == theirs.keys()
    for name, index in theirs.items():
        assert ours[name]["KeySchema"] == index["key_schema"]
        assert ours[name]["Projection"] == index["projection"]
    assert table["TimeToLiveSpecification"] == {
        "AttributeName": Item._ttl_attribute().attr_name,
        "Enabled": True,
    }
    assert table["BillingMode"] == Item.Meta.billing_mode


def test_what_holds_data_is_protected() -> None:
    parts = resources()
    table, bucket = parts["Table"], parts["Bucket"]
    assert table["Properties"]["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["Properties"]["DeletionProtectionEnabled"] == {"Fn::If": ["Protected", True, False]}
    assert base()["Conditions"]["Protected"] == {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}
    assert table["UpdateReplacePolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    assert all(bucket["Properties"]["PublicAccessBlockConfiguration"].values())
    (tls,) = parts["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (tls["Effect"], tls["Principal"]) == ("Deny", "*")
    assert tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_large_parameters_outlive_their_runs() -> None:
    rules = resources()["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    (days,) = (rule["ExpirationInDays"] for rule in rules if rule.get("Prefix") == "parameters/")
    assert timedelta(days=days) == KEPT >= MOST_AHEAD + timedelta(days=365)
    guide = (ROOT / "docs" / "guides" / "parameters.md").read_text()
    assert f"expire {days} days after" in " ".join(guide.split())


@pytest.mark.parametrize("stage", STAGES)
def test_every_name_is_what_the_commands_look_for(stage: str) -> None:
    names, parts = Names(stage), resources(stage)
    named = {name: part["Properties"] for name, part in parts.items()}
    assert named["Table"]["TableName"] == names.table
    assert named["Bucket"]["BucketName"] == names.bucket("1", "here")
    assert named["APIHandler"]["FunctionName"] == names.functions["api"]
    assert named["Tick"]["FunctionName"] == names.functions["tick"]
    assert named["ApiLogs"]["LogGroupName"] == names.log_prefix
    assert named["TickLogs"]["LogGroupName"] == f"{names.log_prefix}-tick"
    assert named["DeadLetters"]["QueueName"] == names.dead_letters
    roles = {named[role]["RoleName"] for role in ("ApiHandlerRole", "TickRole", "WorkerRole")}
    assert roles == set(names.roles("here").values())
    assert named["Board"]["DashboardName"] == names.dashboard("here")
    assert not names.dead_letters.startswith(names.queue_prefix)
    for kind in ("TableName", "BucketName", "QueueName", "RoleName", "FunctionName", "LogGroupName", "Name"):
        literal = [part[kind] for part in named.values() if isinstance(part.get(kind), str)]
        assert literal
        assert all(stage in name for name in literal), kind


def test_the_longest_names_of_roles_are_within_iam_s_64_characters() -> None:
    longest = Names("a" * 16).roles("ap-southeast-99").values()
    assert max(map(len, longest)) <= 64


def test_the_functions_get_every_setting_that_is_the_accounts() -> None:
    for name in ("APIHandler", "Tick"):
        given = resources()[name]["Properties"]["Environment"]["Variables"]
        assert given["HEADRACE_TABLE"] == {"Ref": "Table"}
        assert given["HEADRACE_BUCKET"] == {"Ref": "Bucket"}
        assert given["HEADRACE_WORKER_ROLE_ARN"] == {"Fn::GetAtt": ["WorkerRole", "Arn"]}
        assert given["HEADRACE_METRICS"] == {"Fn::If": ["WithMetrics", "1", "0"]}
        assert given["HEADRACE_LATE_RUNS"] == {"Fn::If": ["WithAlarms", "1", "0"]}
        assert given["HEADRACE_LOG_LEVEL"] == {"Ref": "LogLevel"}
        assert "HEADRACE_REQUIRE_KEYS" not in given
        assert given.keys() <= {f"HEADRACE_{field.name.upper()}" for field in fields(Settings)} | {
            "HEADRACE_LOG_LEVEL"
        }
        traced = resources()[name]["Properties"]["TracingConfig"]
        assert traced == {"Mode": {"Fn::If": ["WithXray", "Active", "PassThrough"]}}


def test_every_role_takes_the_boundary() -> None:
    roles = [part["Properties"] for part in resources().values() if part["Type"] == "AWS::IAM::Role"]
    wanted = {"Fn::If": ["WithBoundary", {"Ref": "PermissionsBoundary"}, {"Ref": "AWS::NoValue"}]}
    assert [role["PermissionsBoundary"] for role in roles] == [wanted] * 3


@pytest.mark.parametrize("given", [{}, {"PermissionsBoundary": "arn:aws:iam::123456789012:policy/b"}])
@pytest.mark.filterwarnings("ignore:Tried to parse")  # moto knows no policies of buckets
def test_a_role_is_bounded_if_it_is_asked_for(account: Account, given: dict[str, str]) -> None:
    iam = account.session.create_client("iam", region_name="eu-west-1")
    policy = {
        "Statement": [{"Effect": "Allow", "Action": ["sqs:*"], "Resource": "*"}],
        "Version": "2012-10-17",
    }
    iam.create_policy(PolicyName="b", PolicyDocument=json.dumps(policy))
    account.client("cloudformation").create_stack(
        StackName="headrace-prod",
        TemplateBody=written(base()),
        Parameters=[
            {"ParameterKey": name, "ParameterValue": value}
            for name, value in {"Stage": "prod", **given}.items()
        ],
    )
    role = iam.get_role(RoleName="headrace-prod-eu-west-1-worker")["Role"]
    said = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    assert said == given.get("PermissionsBoundary")


def test_what_the_command_line_may_say_is_what_the_template_takes() -> None:
    known = whole(ROOT, app.app, Shape("prod", "code/0.zip"))["Parameters"]
    said = parameters(
        alarm_email="a@b.cd",
        dashboard=False,
        metrics=True,
        xray=True,
        log_level=LogLevel.DEBUG,
        log_retention_days=30,
        permissions_boundary="arn:aws:iam::111122223333:policy/b",
    )
    assert {*said, "Stage"} == known.keys()
    for name, value in said.items():
        assert value in map(str, known[name].get("AllowedValues", [value])), name
    assert list(RETENTIONS) == known["LogRetentionDays"]["AllowedValues"]
    assert [*LogLevel] == known["LogLevel"]["AllowedValues"]


def test_every_route_of_the_app_is_in_the_api() -> None:
    body = resources()["RestAPI"]["Properties"]["Body"]
    assert {path: set(methods) for path, methods in body["paths"].items()} == {
        path: {method.lower() for method in methods} for path, methods in app.app.routes.items()
    }


def test_another_api_is_another_publication() -> None:
    def published() -> str:
        (name,) = (name for name in resources() if name.startswith("RestAPIDeployment"))
        return name

    before = published()
    assert published() == before
    kept = RESPONSES["DEFAULT_4XX"]
    RESPONSES["DEFAULT_4XX"] = {**kept, "statusCode": "418"}
    try:
        assert published() != before
    finally:
        RESPONSES["DEFAULT_4XX"] = kept


def test_the_gateway_answers_in_our_own_shape_and_repeats_nothing_of_a_request() -> None:
    body = resources()["RestAPI"]["Properties"]["Body"]
    said = body["x-amazon-apigateway-gateway-responses"]
    assert said.keys() == RESPONSES.keys()
    for response in said.values():
        text = response["responseTemplates"]["application/json"]
        ErrorBody.model_validate_json(text)
        assert "$" not in text and "#" not in text, "fixed: a key in a header is never printed"


def test_a_route_that_the_gateway_does_not_know_is_a_404_with_a_key_as_without() -> None:
    for kind in ("MISSING_AUTHENTICATION_TOKEN", "INVALID_SIGNATURE", "DEFAULT_4XX"):
        assert RESPONSES[kind]["statusCode"] == "404"
    kept = {"REQUEST_TOO_LARGE": "413", "THROTTLED": "429", "DEFAULT_5XX": "503"}
    for kind, status in kept.items():
        assert RESPONSES[kind]["statusCode"] == status


def test_the_files_for_plain_chalice_say_the_same() -> None:
    config = json.loads((ROOT / ".chalice" / "config.json").read_text())
    for stage, shape in config["stages"].items():
        told = shape["environment_variables"]
        assert (told["HEADRACE_LOG_LEVEL"], told["HEADRACE_METRICS"]) == ("INFO", "0"), "there to be changed"
        for name, text in policies.chalice_policies(stage).items():
            assert (ROOT / ".chalice" / name).read_text() == text, "python -m infra policies"


def alarms() -> dict[str, Any]:
    parts = resources().values()
    return {
        part["Properties"]["AlarmName"]: part["Properties"]
        for part in parts
        if part["Type"] == "AWS::CloudWatch::Alarm"
    }


def test_an_error_that_is_an_answer_is_seen_and_a_minute_without_calls_hides_none() -> None:
    errors = alarms()["headrace-prod-errors"]
    assert (errors["Namespace"], errors["MetricName"]) == ("AWS/ApiGateway", "5XXError")
    assert errors["Dimensions"] == [
        {"Name": "ApiName", "Value": resources()["RestAPI"]["Properties"]["Name"]}
    ]
    assert errors["TreatMissingData"] == "notBreaching"


def test_a_tick_that_fails_is_not_repeated_and_seen_when_the_next_fail_too() -> None:
    calls, tick = resources()["TickCalls"]["Properties"], resources()["Tick"]["Properties"]
    assert calls["FunctionName"] == {"Ref": "Tick"}
    assert (calls["MaximumRetryAttempts"], calls["MaximumEventAgeInSeconds"]) == (0, 60)
    fails = alarms()["headrace-prod-tick-fails"]
    assert (fails["Namespace"], fails["MetricName"]) == ("AWS/Lambda", "Errors")
    assert fails["Dimensions"] == [{"Name": "FunctionName", "Value": tick["FunctionName"]}]
    assert (fails["Period"], fails["DatapointsToAlarm"], fails["EvaluationPeriods"]) == (60, 3, 5)


def test_the_price_of_the_alarms_is_that_of_their_metrics() -> None:
    assert all("MetricName" in alarm for alarm in alarms().values()), "one metric each: that is what is paid"
    said = read("template.yaml")["Parameters"]["Alarms"]["Description"]
    assert said.startswith("Six CloudWatch alarms") and f"{len(alarms()) / 10:.2f} USD" in said


def test_every_alarm_says_what_it_measures() -> None:
    assert alarms().keys() == {
        f"headrace-prod-{name}"
        for name in ("tick-not-run", "errors", "throttles", "tick-fails", "slow-tick", "late-runs")
    }
    assert alarms()["headrace-prod-slow-tick"]["MetricName"] == "Duration"
    config = json.loads((ROOT / ".chalice" / "config.json").read_text())
    limit = config["stages"]["prod"]["lambda_functions"]["tick"]["lambda_timeout"] * 1000
    assert 0.7 * limit < alarms()["headrace-prod-slow-tick"]["Threshold"] < limit


def test_parameters_and_prices_are_told() -> None:
    known = whole(ROOT, app.app, Shape("prod", "code/0.zip"))["Parameters"]
    for name, parameter in known.items():
        assert len(parameter["Description"]) > 20, name
    for priced in ("Alarms", "Dashboard", "LogRetentionDays", "Metrics", "Xray", "LogLevel"):
        assert "USD" in known[priced]["Description"]
