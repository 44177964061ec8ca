"""Profiles of stages in AWS: no key is put beside another address than its own, and none is lost."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from headrace.cli.stages import home
from headrace.settings import Profile, Profiles, load_profiles, save_profiles
from headrace.stage_profiles import Place, with_stage, without_stage
from infra.up import Made

A = Place("prod", "111111111111", "eu-west-1", "https://a/prod/api")
B = Place("prod", "222222222222", "eu-west-1", "https://b/prod/api")
B_ELSEWHERE = Place("prod", "222222222222", "us-east-1", "https://c/prod/api")
B_MADE_ANEW = Place("prod", "222222222222", "us-east-1", "https://d/prod/api")


def test_a_stage_has_its_own_name_and_keeps_its_key() -> None:
    first, name = with_stage(Profiles(), A, "hr_a")
    assert (name, first.active, first.profiles) == ("prod", "prod", {"prod": Profile(A.api_url, "hr_a")})
    assert with_stage(first, A, None) == (first, "prod")
    again, _ = with_stage(first, A, "hr_a2")
    assert again.profiles == {"prod": Profile(A.api_url, "hr_a2")}


def test_the_stage_of_another_account_or_region_has_another_name_and_never_anothers_key() -> None:
    profiles, _ = with_stage(Profiles(), A, "hr_a")
    profiles, second = with_stage(profiles, B, None)
    profiles, third = with_stage(profiles, B_ELSEWHERE, "hr_c")
    assert (second, third) == ("prod-222222222222", "prod-222222222222-us-east-1")
    assert profiles.profiles == {
        "prod": Profile(A.api_url, "hr_a"),
        second: Profile(B.api_url, None),
        third: Profile(B_ELSEWHERE.api_url, "hr_c"),
    }
    assert profiles.active == third
    again, name = with_stage(profiles, B, "hr_b")
    assert (name, again.profiles[second]) == (second, Profile(B.api_url, "hr_b"))
    anew, name = with_stage(profiles, B_MADE_ANEW, None)
    assert (name, anew.profiles[third]) == (third, Profile(B_MADE_ANEW.api_url, None))


def test_the_name_that_a_person_gave_an_address_stays() -> None:
    mine = Profiles("mine", {"mine": Profile(A.api_url, "hr_a"), "other": Profile(B.api_url, "hr_b")})
    profiles, name = with_stage(mine, A, None)
    assert (name, profiles) == ("mine", mine)


def test_what_is_removed_is_forgotten_and_nothing_else() -> None:
    profiles, _ = with_stage(Profiles(), A, "hr_a")
    profiles, _ = with_stage(profiles, B, "hr_b")
    left = without_stage(profiles, B)
    assert (left.active, list(left.profiles)) == (None, ["prod"])
    assert without_stage(left, B) == left


@pytest.mark.parametrize("terminal", [False, True])
def test_the_key_is_shown_to_a_person_alone(
    terminal: bool, own_home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    home.tell("prod", Made(A.api_url, A.account, A.region, "hr_a"), plan=False)
    said = capsys.readouterr()
    assert ("hr_a" in said.out) is terminal
    assert "hr_a" not in said.err
    assert ("kept in profile 'prod'" in said.err) is not terminal
    file = own_home / "profiles.json"
    assert json.loads(file.read_text())["profiles"]["prod"]["api_key"] == "hr_a"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_forgetting_is_by_address(own_home: Path) -> None:
    save_profiles(own_home, with_stage(Profiles(), A, "hr_a")[0])
    assert not home.forget(B)
    assert not home.forget(replace(B, api_url=""))
    assert load_profiles(own_home).profiles.keys() == {"prod"}
    assert home.forget(replace(B, api_url=A.api_url))
    assert load_profiles(own_home).profiles == {}


def test_a_stage_whose_address_nobody_tells_any_more_is_forgotten_by_its_place(own_home: Path) -> None:
    profiles, _ = with_stage(Profiles(), A, "hr_a")
    profiles, _ = with_stage(profiles, B, "hr_b")
    save_profiles(own_home, profiles.with_profile("mine", Profile("https://c/api", "hr_c")))
    assert home.forget(replace(A, api_url=""))
    left = load_profiles(own_home).profiles
    assert left == {"prod-222222222222": Profile(B.api_url, "hr_b"), "mine": Profile("https://c/api", "hr_c")}
    assert not home.forget(replace(A, api_url=""))
