"""Where a caller finds what is embedded beside the API."""

from __future__ import annotations

import pytest

from chalicelib.domain.reachable import reachable

ENDPOINT = "http://127.0.0.1:4200/aws"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("mill.lan:4200", "http://mill.lan:4200/aws"),
        ("10.0.0.7", "http://10.0.0.7/aws"),
        ("[fe80::1]:4200", "http://[fe80::1]:4200/aws"),
        (None, ENDPOINT),
        ("", ENDPOINT),
        ("a b", ENDPOINT),
        ("evil/x?", ENDPOINT),
        ("user@evil", ENDPOINT),
        ("evil\r\nX: y", ENDPOINT),
        ("h:port", ENDPOINT),
        ("x" * 300, ENDPOINT),
    ],
)
def test_the_endpoint_is_told_under_the_callers_host(host: str | None, expected: str) -> None:
    assert reachable(ENDPOINT, host) == expected


def test_aws_itself_stays_where_it_is() -> None:
    assert reachable(None, "mill.lan") is None
