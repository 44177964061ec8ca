"""Profiles: made, chosen, shown without their keys, forgotten; and which one a command follows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Cli
from tests.unit.cli.fake_api import FakeApi


@pytest.fixture
def two(cli: Cli) -> None:
    """Two profiles, of which the first is in use."""
    cli("profile", "create", "local", "--api-url", "http://127.0.0.1:4200/api/")
    cli("profile", "create", "prod", "--api-url", "https://prod/api", "--api-key", "hr_1_secret")


def test_the_first_one_made_is_in_use(cli: Cli, two: None) -> None:
    shown = {entry["name"]: entry for entry in cli("profile", "ls", "-o", "json").json}

    assert shown["local"] == {
        "name": "local",
        "api_url": "http://127.0.0.1:4200/api",
        "api_key": None,
        "active": True,
    }
    assert shown["prod"]["active"] is False


def test_use_changes_the_address_that_commands_call(cli: Cli, two: None, own_home: Path) -> None:
    assert cli("profile", "use", "prod").code == 0

    assert json.loads((own_home / "profiles.json").read_text(encoding="utf-8"))["active"] == "prod"
    assert cli("profile", "inspect", "-o", "json").json["source"] == "profile prod"


def test_commands_follow_the_profile_in_use(cli: Cli, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADRACE_API_URL")
    cli("profile", "create", "fake", "--api-url", api.url, "--api-key", "hr_2_secret")

    assert cli("flow", "ls").code == 0
    assert api.seen[-1].headers["authorization"] == "Bearer hr_2_secret"


@pytest.mark.parametrize(
    "line", ["profile ls", "profile inspect prod", "profile ls -o json", "profile delete prod"]
)
def test_a_key_is_never_shown(cli: Cli, two: None, line: str) -> None:
    result = cli(*line.split())

    assert result.code == 0
    assert "secret" not in result.out


def test_deleting_the_one_in_use_leaves_none_in_use(cli: Cli, two: None) -> None:
    assert cli("profile", "delete", "local").code == 0

    assert [entry["active"] for entry in cli("profile", "ls", "-o", "json").json] == [False]


@pytest.mark.parametrize("line", ["profile use none", "profile inspect none", "profile delete none"])
def test_an_unknown_profile_is_told_with_those_there_are(cli: Cli, two: None, line: str) -> None:
    result = cli(*line.split())

    assert result.code == 1
    assert "no profile 'none' (profiles: local, prod)" in result.err


def test_a_second_one_of_the_same_name_is_refused(cli: Cli, two: None) -> None:
    result = cli("profile", "create", "prod", "--api-url", "http://other/api")

    assert result.code == 1
    assert cli("profile", "inspect", "prod", "-o", "json").json["api_url"] == "https://prod/api"
