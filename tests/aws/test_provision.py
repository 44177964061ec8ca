"""`python -m infra`: what goes wrong is told in words, whatever AWS says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from moto import mock_aws

from infra.__main__ import main
from infra.account import Account
from infra.provision import provision
from infra.up import Wish
from tests.aws.in_process import REGION, Said, of_a_new_customer, project


@pytest.fixture
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, REGION)
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("region")
@pytest.mark.filterwarnings("ignore:Tried to parse")  # moto knows no policies of buckets
def test_what_aws_refuses_is_told_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with mock_aws():
        code = main(
            ["provision", "--stage", "prod"], project(tmp_path)
        )  # moto tells nothing of the account's quota
    said = capsys.readouterr()
    assert (code, said.err.strip()) == (1, "Error: AWS refuses GetAccountSettings: Not yet implemented")


@pytest.mark.usefixtures("region")
def test_an_aws_that_does_not_answer_is_told_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert main(["provision", "--stage", "prod"], project(tmp_path)) == 1
    assert capsys.readouterr().err.startswith(
        "Error: AWS does not answer in region 'eu-west-1': Could not connect"
    )


@pytest.mark.filterwarnings("ignore:Tried to parse")  # moto knows no policies of buckets, no alarms
@pytest.mark.parametrize(("wish", "told"), [({}, "0"), ({"Alarms": "on"}, "1")])
def test_the_functions_count_late_runs_where_an_alarm_watches_them(
    account: Account, tmp_path: Path, wish: dict[str, str], told: str
) -> None:
    root, said, mine = project(tmp_path), Said(), of_a_new_customer(account)

    def late_runs() -> str:
        stages = json.loads((root / ".chalice" / "config.json").read_text())["stages"]
        return str(stages["prod"]["environment_variables"]["HEADRACE_LATE_RUNS"])

    assert provision(mine, root, Wish("prod", parameters=wish), said.say) is None
    assert late_runs() == told and "deploy (again) now" in said.text
    said.lines.clear()
    assert provision(mine, root, Wish("prod"), said.say) is None
    assert late_runs() == told and "deploy (again) now" not in said.text, "what was wished for stays"
