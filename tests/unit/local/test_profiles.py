"""The profile that the server leaves for other commands."""

from __future__ import annotations

import json

import pytest

from headrace.local.profiles import write_profile

CLOUD = {"api_url": "https://cloud.example/api", "api_key": "hr_1"}


def profiles(home):
    return json.loads((home / "profiles.json").read_text())


def test_the_first_profile_is_the_active_one(tmp_path):
    home = tmp_path / "new" / "home"
    assert write_profile(home, "http://127.0.0.1:1/api") is True
    local = {"api_url": "http://127.0.0.1:1/api", "api_key": None}
    assert profiles(home) == {"active": "local", "profiles": {"local": local}}


def test_a_new_address_replaces_the_old_and_keeps_the_rest(tmp_path):
    write_profile(tmp_path, "http://127.0.0.1:1/api")
    document = profiles(tmp_path)
    document["profiles"]["cloud"] = CLOUD
    (tmp_path / "profiles.json").write_text(json.dumps(document))
    assert write_profile(tmp_path, "http://127.0.0.1:2/api") is True
    assert profiles(tmp_path)["profiles"]["cloud"] == CLOUD
    assert profiles(tmp_path)["profiles"]["local"]["api_url"] == "http://127.0.0.1:2/api"


def test_another_active_profile_stays_active(tmp_path):
    (tmp_path / "profiles.json").write_text(json.dumps({"active": "cloud", "profiles": {"cloud": CLOUD}}))
    assert write_profile(tmp_path, "http://127.0.0.1:1/api") is False
    assert profiles(tmp_path)["active"] == "cloud"


@pytest.mark.parametrize("content", ["{", "[]", '{"profiles": []}'])
def test_a_file_that_is_not_understood_is_left_as_it_is(tmp_path, content):
    (tmp_path / "profiles.json").write_text(content)
    with pytest.raises(ValueError):
        write_profile(tmp_path, "http://127.0.0.1:1/api")
    assert (tmp_path / "profiles.json").read_text() == content


def test_a_key_is_kept_until_there_is_another(tmp_path):
    write_profile(tmp_path, "http://127.0.0.1:1/api", "hr_first")
    write_profile(tmp_path, "http://127.0.0.1:2/api")
    assert profiles(tmp_path)["profiles"]["local"] == {
        "api_url": "http://127.0.0.1:2/api",
        "api_key": "hr_first",
    }
    write_profile(tmp_path, "http://127.0.0.1:2/api", "hr_second")
    assert profiles(tmp_path)["profiles"]["local"]["api_key"] == "hr_second"
    assert (tmp_path / "profiles.json").stat().st_mode & 0o777 == 0o600
