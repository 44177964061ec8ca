"""Each route once, as it is meant: the control of the tables of bad inputs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib.api.routes import declared
from tests.integration.api.requests_that_work import GOOD
from tests.integration.api.scene import Scene, build
from tests.support.plane import rig


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    """One scene for all; each request finds what it needs in whatever order they come."""
    with rig() as made:
        yield build(made)


def test_every_route_has_a_request_that_works() -> None:
    assert set(GOOD) == {f"{route.method} {route.path}" for route in declared()}


@pytest.mark.parametrize("route", GOOD)
def test_it_works(scene: Scene, route: str) -> None:
    good = GOOD[route]
    reply = scene.rig.call(route.partition(" ")[0], scene.fill(good.path), scene.fill(good.body))
    assert reply.status == good.status, reply
    assert (reply.body is None) == (good.status == 204)
