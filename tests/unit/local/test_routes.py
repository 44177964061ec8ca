"""Which route a request takes, and with which parameters."""

from __future__ import annotations

import pytest

from headrace.local.gateway import Routes

ROUTES = Routes(
    [
        "/",
        "/api/pools",
        "/api/pools/{name}",
        "/api/pools/filter",
        "/api/pools/{name}/queues/{queue}",
        "/{page}",
    ]
)


@pytest.mark.parametrize(
    ("url", "route", "captured"),
    [
        ("/", "/", {}),
        ("/api/pools/", "/api/pools", {}),
        ("/api/pools/filter", "/api/pools/filter", {}),
        ("/api/pools/a%2Fb", "/api/pools/{name}", {"name": "a%2Fb"}),
        (
            "/api/pools/100%25/queues/%C3%A9%20x",
            "/api/pools/{name}/queues/{queue}",
            {"name": "100%25", "queue": "%C3%A9%20x"},
        ),
        ("/api/p%6Fols", "/api/pools", {}),
        ("/anything?x=1", "/{page}", {"page": "anything"}),
        ("/api/pools/a+b", "/api/pools/{name}", {"name": "a+b"}),
    ],
)
def test_a_route_and_its_parameters_as_they_stand_in_the_url(url, route, captured):
    match = ROUTES.match_route(url)
    assert (match.route, match.captured) == (route, captured)


def test_the_query_keeps_every_value():
    assert ROUTES.match_route("/?a=1&a=2&b=&c=%26").query_params == {"a": ["1", "2"], "b": [""], "c": ["&"]}


@pytest.mark.parametrize("url", ["/api/pools/a/b", "/api/pools/a/queues", "//", "/api/pools/a/queues/b/c"])
def test_no_route(url):
    with pytest.raises(ValueError, match="no route"):
        ROUTES.match_route(url)
