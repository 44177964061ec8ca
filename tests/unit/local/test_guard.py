"""Who may speak to a server that asks for no key."""

from __future__ import annotations

import pytest

from headrace.local.guard import Guard


@pytest.mark.parametrize(
    ("bound", "host"),
    [
        ("127.0.0.1", "127.0.0.1:4200"),
        ("127.0.0.1", "localhost:4200"),
        ("127.0.0.1", "LOCALHOST:4200"),
        ("127.0.0.1", "[::1]:4200"),
        ("127.0.0.1", "127.0.0.2:4200"),
        ("mill.lan", "mill.lan:4200"),
        ("0.0.0.0", "192.168.1.5:8080"),
        ("0.0.0.0", "localhost"),
        ("::", "[fe80::1]:4200"),
    ],
)
def test_a_host_that_is_this_server_may(bound, host):
    assert Guard(bound, 4200).refusal({"Host": host}) is None
    assert Guard(bound, 4200).refusal({"host": host, "origin": f"http://{host}"}) is None


@pytest.mark.parametrize(
    ("bound", "host"),
    [
        ("127.0.0.1", "rebound.example:4200"),
        ("127.0.0.1", "localhost.example:4200"),
        ("127.0.0.1", "127.0.0.1:80"),
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", "192.168.1.5:4200"),
        ("127.0.0.1", ""),
        ("127.0.0.1", "127.0.0.1:port"),
        ("127.0.0.1", "[::1"),
        ("0.0.0.0", "rebound.example:4200"),
        ("mill.lan", "other.lan:4200"),
    ],
)
def test_any_other_host_may_not(bound, host):
    refusal = Guard(bound, 4200).refusal({"Host": host})
    assert refusal is not None
    assert refusal.status == 403
    assert b"wrong_host" in refusal.body


@pytest.mark.parametrize(
    "origin", ["http://page.example", "null", "https://localhost:4200", "http://localhost:3000", ""]
)
def test_pages_of_other_origins_may_not(origin):
    refusal = Guard("127.0.0.1", 4200).refusal({"Host": "localhost:4200", "Origin": origin})
    assert refusal is not None
    assert b"wrong_origin" in refusal.body


def test_a_request_without_host_may_not():
    assert Guard("127.0.0.1", 4200).refusal({}) is not None
