"""Whose credentials are used: those that were asked for, in all of the process."""

from __future__ import annotations

from pathlib import Path

import botocore.session
import pytest
from moto import mock_aws

from infra.account import STRONGER_THAN_A_PROFILE, Account
from infra.errors import CloudError

CONFIGURATION = """
[profile mill]
aws_access_key_id = OFTHEPROFILE
aws_secret_access_key = x
region = eu-west-1
"""


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    (tmp_path / "config").write_text(CONFIGURATION)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "")  # so that it is put back at the end
        monkeypatch.delenv(name)
    for name in STRONGER_THAN_A_PROFILE:
        monkeypatch.setenv(name, "of-the-environment")
    return monkeypatch


def key() -> str:
    """The key that a new session finds, as PynamoDB makes one for the table."""
    return str(botocore.session.get_session().get_credentials().access_key)


def test_a_profile_wins_over_keys_in_the_environment(environment: pytest.MonkeyPatch) -> None:
    with mock_aws():
        opened = Account.open(profile="mill")
        assert opened.region == "eu-west-1"
        assert opened.session.get_credentials().access_key == "OFTHEPROFILE"
        assert key() == "OFTHEPROFILE"


def test_without_a_profile_the_environment_is_followed(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("AWS_DEFAULT_PROFILE")
    with mock_aws():
        environment.setenv("AWS_ACCESS_KEY_ID", "of-the-environment")  # moto sets one of its own
        opened = Account.open(region="eu-north-1")
        assert opened.session.get_credentials().access_key == key() == "of-the-environment"
        assert opened.region == "eu-north-1"


def test_a_profile_that_is_not_there_is_no_reason_to_take_other_keys(environment: pytest.MonkeyPatch) -> None:
    with mock_aws(), pytest.raises(CloudError, match="The config profile \\(quarry\\) could not be found"):
        Account.open(profile="quarry")


@pytest.mark.parametrize("region", ["eu-wset-1", "eu west 1"])
def test_a_region_where_nobody_answers_is_no_matter_of_credentials(
    environment: pytest.MonkeyPatch, region: str
) -> None:
    environment.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    environment.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(CloudError, match=f"AWS does not answer in region '{region}'") as refused:
        Account.open(profile="mill", region=region)
    assert "There is no such region, or no network" in str(refused.value.hint)


def test_credentials_that_aws_does_not_take_are_told_with_the_way_to_others(
    environment: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(CloudError, match="AWS does not let you in") as refused:
        Account.open(profile="quarry", region="eu-west-1")
    assert "`aws sso login` or `aws configure`" in str(refused.value.hint)
