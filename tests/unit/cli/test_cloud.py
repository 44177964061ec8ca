"""`headrace cloud` wrongly typed, or where there is no account: a line or two, and AWS is asked nothing."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Cli

BAD = [
    ("cloud", "headrace cloud"),
    ("cloud upp", "No such command 'upp'"),
    ("cloud up --stage Prod", "'Prod' is no name of a stage"),
    ("cloud up --stage prod-eu", "'prod-eu' is no name of a stage"),
    ("cloud up --stage ''", "'' is no name of a stage"),
    ("cloud up --stage aaaaaaaaaaaaaaaaa", "is no name of a stage"),
    ("cloud up --alarm-email nobody", "'nobody' is not an address"),
    ("cloud up --alarm-email 'a b@c.de'", "is not an address"),
    ("cloud up --permissions-boundary mine", "'mine' is no address of a managed policy"),
    ("cloud policies --permissions-boundary arn:aws:iam::1:role/a", "is no address of a managed policy"),
    ("cloud up --no-alarms --alarm-email a@b.cd", "--alarm-email goes with --alarms"),
    ("cloud up --log-level LOUD", "--log-level"),
    ("cloud up --log-retention-days 31", "CloudWatch keeps logs for 1, 3, 5"),
    ("cloud upgrade --new-admin-key", "--new-admin-key"),
    ("cloud up prod", "unexpected extra argument"),
    ("cloud up --yes=maybe", "--yes"),
    ("cloud upgrade --stage 1", "'1' is no name of a stage"),
    ("cloud upgrade --alarms", "--alarms"),
    ("cloud down", "--stage"),
    ("cloud down --stage prod/x", "'prod/x' is no name of a stage"),
    ("cloud status --stage '*'", "'*' is no name of a stage"),
    ("cloud status -o yaml", "yaml"),
    ("cloud logs --function worker", "worker"),
    ("cloud logs --since yesterday", "is not a duration"),
    ("cloud logs --since -1h", "is not a duration"),
    ("cloud logs --stage a_b", "'a_b' is no name of a stage"),
    ("cloud policies nobody", "nobody"),
    ("cloud policies --account 12", "'12' is not an AWS account"),
    ("cloud policies --account 12345678901x", "is not an AWS account"),
    ("cloud policies --stage prod*", "'prod*' is no name of a stage"),
]


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL"):
        monkeypatch.setenv(name, "set")  # so that it is unset again, whatever a command sets
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))


@pytest.mark.parametrize(("line", "said"), BAD, ids=[line for line, _ in BAD])
def test_wrongly_typed(cli: Cli, line: str, said: str) -> None:
    done = cli(*shlex.split(line))
    assert done.code in (1, 2)
    assert said in done.err
    assert "Traceback" not in done.err
    assert done.out == ""


@pytest.mark.parametrize(
    "command", ["up --yes", "up --plan", "upgrade --yes", "down --stage prod --yes", "status", "logs"]
)
def test_without_a_region_or_credentials_the_way_in_is_told(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    done = cli("cloud", *command.split())
    assert (done.code, done.out) == (1, "")
    assert "No AWS region is set." in done.err
    assert "--region" in done.err
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    done = cli("cloud", *command.split())
    assert (done.code, done.out) == (1, "")
    assert "AWS does not let you in" in done.err
    assert "--profile" in done.err
    done = cli("cloud", *command.split(), "--profile", "nobody")
    assert done.code == 1
    assert "nobody" in done.err


@pytest.mark.parametrize("command", ["up --yes", "upgrade --yes"])
def test_profiles_that_cannot_be_read_are_told_before_a_key_is_made(
    cli: Cli, own_home: Path, command: str
) -> None:
    own_home.mkdir()
    (own_home / "profiles.json").write_text("{")
    done = cli("cloud", *command.split())
    assert (done.code, done.out) == (1, "")
    assert "profiles.json cannot be read" in done.err
