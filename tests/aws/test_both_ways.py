"""`headrace cloud up` and plain Chalice are two ways to one stage: neither takes the other's away."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.account import Account
from infra.down import Down
from infra.errors import CloudError
from infra.names import Names
from infra.provision import provision
from infra.remains import Remains
from infra.up import Up, Wish
from tests.aws.conftest import ROOT
from tests.aws.in_process import Said, add_function, base_stack, project, stack_with_function

NAMES = Names("prod")
pytestmark = pytest.mark.filterwarnings(
    "ignore:Tried to parse"
)  # moto knows no policies of buckets, no alarms


def test_provision_leaves_what_cloud_up_made(account: Account, tmp_path: Path) -> None:
    made = stack_with_function(account, NAMES)
    said = Said()
    with pytest.raises(CloudError, match="was made by `headrace cloud up`") as refused:
        provision(account, project(tmp_path), Wish("prod"), said.say)
    assert refused.value.hint == "Go on with: headrace cloud upgrade --stage prod --region eu-west-1"
    assert made.functions() == {"headrace-prod"}
    assert not said.lines


def test_up_leaves_what_chalice_deployed(account: Account) -> None:
    base_stack(account, NAMES)
    add_function(account, NAMES.functions["api"])
    said = Said()
    with pytest.raises(CloudError, match="headrace-prod are there already") as refused:
        Up(account, ROOT, said.say, said.confirm).make(Wish("prod"))
    assert "chalice delete --stage prod" in str(refused.value.hint)
    assert not said.asked


def test_down_leaves_the_functions_to_chalice_and_takes_the_rest_when_they_are_gone(account: Account) -> None:
    base_stack(account, NAMES)
    add_function(account, NAMES.functions["tick"])
    said = Said()
    down = Down(account, said.say, said.confirm)
    with pytest.raises(CloudError, match="Not made by `headrace cloud up`: headrace-prod-tick") as refused:
        down.remove("prod", force=False)
    assert "chalice delete --stage prod" in str(refused.value.hint)
    assert not said.asked
    account.client("lambda").delete_function(FunctionName=NAMES.functions["tick"])
    account.client("iam").delete_role(RoleName=NAMES.functions["tick"])
    assert down.remove("prod", force=False)
    assert "Nothing with the name of stage 'prod' is left." in said.text


def test_what_is_left_is_seen_whatever_it_is(account: Account) -> None:
    there = Remains(account, NAMES)
    assert list(there.all()) == []
    stack_with_function(account, NAMES)
    aws = account.client
    aws("events").put_rule(Name="headrace-prod-tick-event", ScheduleExpression="rate(1 minute)")
    aws("apigateway").create_rest_api(name="headrace-prod")
    aws("apigateway").create_rest_api(name="headrace-prod2")
    aws("cloudwatch").put_dashboard(
        DashboardName=NAMES.dashboard(account.region), DashboardBody='{"widgets": []}'
    )
    aws("cloudwatch").put_metric_alarm(
        AlarmName="headrace-prod-errors",
        Namespace="n",
        MetricName="m",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    aws("sns").create_topic(Name="headrace-prod-alarms")
    found = list(there.all())
    kinds = {each.split(" ")[0] for each in found}
    assert kinds == {
        *("stack", "table", "bucket", "queue", "log", "function", "role", "timer"),
        *("API", "alarm", "dashboard", "topic"),
    }
    assert sum(each.startswith("API") for each in found) == 1, "another's name is not ours"
