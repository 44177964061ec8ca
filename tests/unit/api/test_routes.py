"""The page of routes against what the modules declare."""

from __future__ import annotations

import pytest

import app
from chalicelib.api.endpoint import VIEWS, endpoint
from chalicelib.api.routes import COMPRESSED, LISTED, PREFIX, declared
from headrace.contract.media import PACKED


def test_each_listed_route_is_declared_by_its_module_and_no_other_is() -> None:
    documented = {f"{route.method} {route.path}" for route in declared()}
    listed = [route for routes in LISTED.values() for route in routes]
    assert len(listed) == len(set(listed))
    assert set(listed) == set(VIEWS) == documented | {"GET /openapi.json"}


def test_chalice_knows_all_of_them() -> None:
    known = {f"{method} {path}" for path, methods in app.app.routes.items() for method in methods}
    listed = {
        f"{method} {PREFIX}{path}"
        for routes in LISTED.values()
        for method, path in (route.split(" ") for route in routes)
    }
    beside = {
        f"{method} {PREFIX}{path}{PACKED}" for method, path in (route.split(" ") for route in COMPRESSED)
    }
    assert known == listed | beside


def test_a_route_that_is_not_listed_cannot_be_declared() -> None:
    def handler() -> None:
        """Do nothing."""

    handler.__module__ = "chalicelib.api.flows"
    with pytest.raises(LookupError, match=r"List 'GET /nowhere' under 'flows' in chalicelib/api/routes\.py"):
        endpoint("GET", "/nowhere")(handler)
