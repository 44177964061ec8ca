"""What the terminal says when the server is up: a new key is shown to people, and kept out of logs."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.local.texts import banner

KEY = "hr_0_a"
PROFILE = Path("/home/ana/.headrace/profiles.json")
PLAIN = {
    "seconds": 0.7,
    "url": "http://127.0.0.1:4200",
    "data_dir": Path("/data"),
    "profile": PROFILE,
    "profile_active": True,
    "keys_required": True,
    "exposed": False,
    "first_key": KEY,
    "shown": True,
}


@pytest.mark.parametrize(
    ("changes", "told", "place_told"),
    [
        ({}, True, True),
        ({"shown": False}, False, True),
        ({"shown": False, "profile": None}, True, False),
        ({"first_key": None}, False, False),
    ],
)
def test_the_first_key_is_told_where_somebody_looks(changes, told, place_told):
    text = banner(**{**PLAIN, **changes})
    assert (KEY in text, str(PROFILE) in text) == (told, place_told)
    assert "every request needs an API key" in text


def test_with_a_worker_beside_it_none_is_to_be_started():
    text = banner(**{**PLAIN, "served": "default"})
    assert "work-pool create" not in text and "worker start" not in text
    assert "headrace deploy path/to/file.py:flow -n my-deployment -p default\n" in text
    assert "  headrace worker start --pool my-pool\n" in banner(**PLAIN)


def test_an_open_server_on_loopback_speaks_of_no_keys():
    text = banner(**{**PLAIN, "keys_required": False, "first_key": None})
    assert "API key" not in text and "unencrypted" not in text
    assert "unencrypted" in banner(**{**PLAIN, "exposed": True})
