"""`headrace cloud down` against an account that takes its time, and after attempts that did not end."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from headrace.cli.main import main
from headrace.settings import Profiles, load_profiles, save_profiles
from headrace.stage_profiles import Place, with_stage
from infra import protection, stack
from infra.account import Account
from infra.changes import Stack
from infra.down import LOOK_EVERY, PATIENCE, Down
from infra.errors import CloudError
from infra.names import Names
from infra.remains import Remains
from tests.aws.in_process import REGION, Clock, Said, base_stack

NAMES = Names("prod")
pytestmark = pytest.mark.filterwarnings(
    "ignore:Tried to parse"
)  # moto knows no policies of buckets, no alarms


@pytest.fixture
def account(account: Account) -> Account:
    """With clients of its own where they are interfered with."""
    return replace(account, clients=dict(account.clients))


def watched(account: Account, service: str) -> Any:
    account.clients[service] = account.session.create_client(service, region_name=REGION)
    return account.clients[service]


class SlowSqs:
    """Queues that are listed for so many seconds after they were deleted."""

    def __init__(self, account: Account, clock: Clock, seconds: float) -> None:
        self._clock, self._seconds = clock, seconds
        self._aws = account.session.create_client("sqs", region_name=REGION)
        self.deleted: dict[str, float] = {}
        self.again: list[str] = []
        self._gone: set[str] = set()
        events = watched(account, "sqs").meta.events
        events.register("before-call.sqs.DeleteQueue", self._delete)
        events.register("before-call.sqs.ListQueues", self._list)

    def _delete(self, params: dict[str, Any], **_: Any) -> tuple[AWSResponse, dict[str, Any]]:
        url = json.loads(params["body"])["QueueUrl"]
        if url in self.deleted:
            self.again.append(url)
        self.deleted.setdefault(url, self._clock.at)
        return AWSResponse("", 200, {}, None), {}

    def _list(self, **_: Any) -> None:
        for url, since in self.deleted.items():
            if self._clock.at - since >= self._seconds and url not in self._gone:
                self._gone.add(url)
                self._aws.delete_queue(QueueUrl=url)


def queue(account: Account) -> str:
    return str(account.client("sqs").create_queue(QueueName="headrace-prod-0123456789ab-q1")["QueueUrl"])


def test_a_queue_that_is_still_listed_for_a_minute_is_waited_for(account: Account, clock: Clock) -> None:
    url = queue(account)
    slow, said = SlowSqs(account, clock, 60), Said()
    assert Down(account, said.say, said.confirm).remove("prod", force=False)
    assert 60 <= clock.at < 60 + 2 * LOOK_EVERY
    assert (list(slow.deleted), slow.again) == ([url], [])
    assert "Nothing with the name of stage 'prod' is left." in said.text


def test_what_does_not_go_is_named_in_the_end(account: Account, clock: Clock) -> None:
    queue(account)
    SlowSqs(account, clock, 1e9)
    said = Said()
    with pytest.raises(CloudError, match="Still there: queue headrace-prod-0123456789ab-q1"):
        Down(account, said.say, said.confirm).remove("prod", force=False)
    assert PATIENCE <= clock.at < PATIENCE + 2 * LOOK_EVERY


def test_an_interrupted_removal_is_gone_on_with(account: Account) -> None:
    base_stack(account, NAMES)
    queue(account)
    bucket = NAMES.bucket(account.id, account.region)
    account.client("s3").put_object(Bucket=bucket, Key="bundles/ab", Body=b"x")

    class Interrupted(Exception):
        pass

    def until_the_stack(line: str) -> None:
        if "objects of bucket" in line:
            raise Interrupted

    with pytest.raises(Interrupted):
        Down(account, until_the_stack, lambda question: True).remove("prod", force=False)
    left = list(Remains(account, NAMES).all())
    assert "stack headrace-prod" in left and any(each.startswith("queue") for each in left)
    said = Said()
    assert Down(account, said.say, said.confirm).remove("prod", force=False)
    assert list(Remains(account, NAMES).all()) == []
    with pytest.raises(CloudError, match="There is nothing of a stage 'prod'"):
        Down(account, said.say, said.confirm).remove("prod", force=False)


@pytest.mark.parametrize(("stage", "wanted"), [("prod", True), ("dev", False)])
def test_a_table_whose_protection_was_lifted_is_protected_again_where_the_template_does_so(
    account: Account, stage: str, wanted: bool
) -> None:
    names, said = Names(stage), Said()
    base_stack(account, names)
    there = Remains(account, names)

    def is_protected() -> bool:
        return bool((there.table() or {})["DeletionProtectionEnabled"])

    assert is_protected() is wanted
    protection.restore(account, names, said.say)
    protection.lift(account, names, said.say)
    assert not is_protected()
    protection.restore(account, names, said.say)
    assert is_protected() is wanted
    line = f"  deletion protection of table {names.table}"
    assert said.lines == ([f"{line} lifted", f"{line} set"] if wanted else [])
    assert Down(account, said.say, said.confirm).remove(stage, force=False)
    assert list(there.all()) == []


def test_an_object_that_comes_while_the_stack_goes_is_taken_away_too(account: Account) -> None:
    """CloudFormation deletes no bucket that has anything in it; moto does."""
    base_stack(account, NAMES)
    bucket = NAMES.bucket(account.id, account.region)
    s3 = account.session.create_client("s3", region_name=REGION)
    asked: list[int] = []

    def keep(**_: Any) -> tuple[AWSResponse, dict[str, Any]] | None:
        asked.append(len(s3.list_objects_v2(Bucket=bucket).get("Contents", ())))
        if len(asked) > 1:
            return None
        s3.put_object(Bucket=bucket, Key="bundles/late", Body=b"x")
        return AWSResponse("", 200, {}, None), {}

    def tell(parsed: dict[str, Any], **_: Any) -> None:
        if len(asked) == 1:
            of = {key: parsed["StackEvents"][0][key] for key in ("StackId", "StackName")}
            parts = (
                ("Bucket", "AWS::S3::Bucket", bucket),
                (NAMES.stack, "AWS::CloudFormation::Stack", of["StackId"]),
            )
            for number, (name, kind, identity) in enumerate(parts):
                failed = {"LogicalResourceId": name, "ResourceType": kind, "PhysicalResourceId": identity}
                why = {"ResourceStatus": "DELETE_FAILED", "ResourceStatusReason": "The bucket is not empty"}
                parsed["StackEvents"].insert(0, {"EventId": f"late-{number}", **of, **failed, **why})

    events = watched(account, "cloudformation").meta.events
    events.register("before-call.cloudformation.DeleteStack", keep)
    events.register("after-call.cloudformation.DescribeStackEvents", tell)
    said = Said()
    assert Down(account, said.say, said.confirm).remove("prod", force=False)
    assert asked == [0, 0], "the second time the bucket is empty again"
    assert "  CloudFormation keeps something: Bucket: The bucket is not empty" in said.lines
    assert list(Remains(account, NAMES).all()) == []


def test_a_stage_that_was_only_proposed_is_removed(account: Account) -> None:
    proposed = Stack(account, NAMES.stack)
    proposed.propose(stack.base(), {"Stage": "prod"})
    assert proposed.describe() is None
    assert list(Remains(account, NAMES).all()) == ["stack headrace-prod"]
    said = Said()
    assert Down(account, said.say, said.confirm).remove("prod", force=False)
    assert list(Remains(account, NAMES).all()) == []


def test_nothing_is_removed_that_was_not_confirmed(account: Account) -> None:
    base_stack(account, NAMES)
    before = list(Remains(account, NAMES).all())
    said = Said(answer=False)
    assert not Down(account, said.say, said.confirm).remove("prod", force=True)
    assert said.asked == ["Remove stage 'prod' and all of its data?"]
    assert list(Remains(account, NAMES).all()) == before


def test_a_stage_of_the_same_name_in_another_region_is_left_alone(account: Account, clock: Clock) -> None:
    """An account's regions share its roles."""
    away = replace(account, region="us-east-1", clients={})
    base_stack(away, NAMES)
    there = list(Remains(away, NAMES).all())
    assert "role headrace-prod-us-east-1-worker" in there
    down = Down(account, Said().say, lambda question: True)
    with pytest.raises(CloudError, match="There is nothing of a stage 'prod' in eu-west-1"):
        down.remove("prod", force=False)
    base_stack(account, NAMES)
    assert down.remove("prod", force=False)
    assert clock.at < LOOK_EVERY
    assert list(Remains(away, NAMES).all()) == there


def test_a_plan_tells_all_and_removes_nothing(account: Account) -> None:
    base_stack(account, NAMES)
    before, said = list(Remains(account, NAMES).all()), Said()
    assert not Down(account, said.say, said.confirm).remove("prod", force=False, plan=True)
    assert {f"  {each}" for each in before} <= set(said.lines)
    assert not said.asked
    assert list(Remains(account, NAMES).all()) == before


def test_the_profile_that_a_broken_off_removal_left_is_forgotten_by_the_next(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEADRACE_HOME", str(tmp_path))
    profiles, away = with_stage(
        Profiles(), Place("prod", account.id, "us-east-1", "https://b/prod/api"), "hr_b"
    )
    profiles, _ = with_stage(profiles, Place("prod", account.id, REGION, "https://a/prod/api"), "hr_a")
    save_profiles(tmp_path, profiles)
    words = ["cloud", "down", "--stage", "prod", "--region", REGION]
    assert main([*words, "--plan"]) == 1
    assert load_profiles(tmp_path).profiles == profiles.profiles
    assert main([*words, "--yes"]) == 0
    assert "Its profile, which was left, is forgotten." in capsys.readouterr().err
    assert list(load_profiles(tmp_path).profiles) == [away]
    assert main([*words, "--yes"]) == 1
    assert f"There is nothing of a stage 'prod' in {REGION}" in capsys.readouterr().err
