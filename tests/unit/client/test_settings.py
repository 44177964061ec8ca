"""Environment over profile over nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.settings import Profile, Profiles, SettingsError, load_profiles, load_settings, save_profiles


@pytest.fixture
def home(tmp_path: Path) -> Path:
    profiles = Profiles().with_profile("local", Profile("http://127.0.0.1:4200/api"))
    save_profiles(tmp_path, profiles.with_profile("cloud", Profile("https://x/prod/api", "k")))
    return tmp_path


def test_the_active_profile_is_used(home: Path) -> None:
    settings = load_settings({"HEADRACE_HOME": str(home)})
    assert (settings.profile, settings.api_url, settings.api_key) == (
        "local",
        "http://127.0.0.1:4200/api",
        None,
    )


def test_environment_chooses_another_profile(home: Path) -> None:
    settings = load_settings({"HEADRACE_HOME": str(home), "HEADRACE_PROFILE": "cloud"})
    assert (settings.api_url, settings.api_key, settings.source) == (
        "https://x/prod/api",
        "k",
        "profile cloud",
    )


def test_environment_beats_the_profile_and_never_lends_it_its_key(home: Path) -> None:
    env = {"HEADRACE_HOME": str(home), "HEADRACE_PROFILE": "cloud", "HEADRACE_API_URL": "http://other/api/"}
    settings = load_settings(env)
    assert (settings.api_url, settings.api_key) == ("http://other/api", None)


def test_nothing_configured_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="headrace server start"):
        load_settings({"HEADRACE_HOME": str(tmp_path)}).require_api_url()


def test_an_unknown_profile_names_the_known_ones(home: Path) -> None:
    with pytest.raises(SettingsError, match="cloud, local"):
        load_settings({"HEADRACE_HOME": str(home), "HEADRACE_PROFILE": "nope"})


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"profiles": {"a": {}}}', '{"profiles": {"a": {"api_url": "x"}}}']
)
def test_a_broken_file_is_reported_with_its_path(tmp_path: Path, text: str) -> None:
    (tmp_path / "profiles.json").write_text(text)
    with pytest.raises(SettingsError, match="profile"):
        load_settings({"HEADRACE_HOME": str(tmp_path)})


def test_profiles_survive_a_round_trip_and_are_private(home: Path) -> None:
    profiles = load_profiles(home)
    assert profiles.active == "local"
    assert profiles.using("cloud").profiles["cloud"].api_key == "k"
    assert (home / "profiles.json").stat().st_mode & 0o077 == 0


def test_keys_are_not_in_representations(home: Path) -> None:
    assert "'k'" not in repr(load_profiles(home))
    assert "secret" not in repr(load_settings({"HEADRACE_HOME": str(home), "HEADRACE_API_KEY": "secret"}))


def test_an_address_must_be_http(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="HEADRACE_API_URL"):
        load_settings({"HEADRACE_HOME": str(tmp_path), "HEADRACE_API_URL": "127.0.0.1:4200"})
