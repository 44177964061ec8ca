"""Who may speak to a server that asks for no key."""

from __future__ import annotations

import pytest

from headrace.local.guard import Guard
from headrace.local.hosts import is_loopback


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


@pytest.mark.parametrize("bound", ["0.0.0.0", "::", "192.168.1.5", "mill.lan"])
def test_beyond_loopback_with_keys_any_name_will_do(bound):
    guard = Guard(bound, 4200, keys_required=True)
    for host in ("mill.lan:4200", "10.0.0.7:4200", "mill.example", "localhost:4200"):
        assert guard.refusal({"Host": host}) is None
        assert guard.refusal({"Host": host, "Origin": f"https://{host}"}) is None
        assert guard.refusal({"Host": host, "Origin": "http://page.example"}) is not None


@pytest.mark.parametrize("bound", ["127.0.0.1", "localhost", "::1"])
def test_on_loopback_names_are_checked_with_keys_too(bound):
    assert Guard(bound, 4200, keys_required=True).refusal({"Host": "rebound.example:4200"}) is not None


@pytest.mark.parametrize("host", ["mill.example", "MILL.example", "mill.example:443"])
def test_a_proxy_on_this_machine_hands_on_the_name_that_is_advertised(host):
    guard = Guard("127.0.0.1", 4200, keys_required=True, advertised="https://mill.example")
    assert guard.refusal({"Host": host}) is None
    assert guard.refusal({"Host": host, "Origin": f"https://{host}"}) is None
    assert guard.refusal({"Host": host, "Origin": "https://page.example"}) is not None
    assert guard.refusal({"Host": "127.0.0.1:4200"}) is None


@pytest.mark.parametrize(
    ("advertised", "hosts"),
    [
        ("https://mill.example:8443", ["mill.example:8443"]),
        ("https://mill.example:443", ["mill.example", "mill.example:443"]),
        ("http://mill.example", ["mill.example", "mill.example:80"]),
        ("https://[fd00::1]", ["[fd00::1]", "[fd00::1]:443"]),
    ],
)
def test_the_port_counts_unless_the_scheme_says_it(advertised, hosts):
    guard = Guard("127.0.0.1", 4200, keys_required=True, advertised=advertised)
    name = hosts[0].removesuffix(":8443")
    served = [host for host in (f"{name}{port}" for port in ("", ":80", ":443", ":8443"))
              if guard.refusal({"Host": host}) is None]  # fmt: skip
    assert served == hosts


@pytest.mark.parametrize(
    ("host", "keys_required"),
    [
        ("rebound.example", True),
        ("mill.example:80", True),
        ("mill.example:port", True),
        ("x@mill.example", True),
        ("mill.example/", True),
        ("mill.example", False),
    ],
)
def test_no_other_name_and_none_without_keys(host, keys_required):
    guard = Guard("127.0.0.1", 4200, keys_required=keys_required, advertised="https://mill.example")
    assert guard.refusal({"Host": host}) is not None


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("LOCALHOST", True), ("0.0.0.0", False), ("::", False),
     ("", False), ("192.168.1.5", False), ("mill.lan", False), ("localhost.example", False)],
)  # fmt: skip
def test_what_only_this_machine_can_reach(host, expected):
    assert is_loopback(host) is expected
