"""Every route refuses its bad inputs clearly, and nothing has changed afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib.api.endpoint import STATUS
from chalicelib.api.routes import declared
from headrace.contract.errors import ErrorBody
from tests.integration.api import (
    bad_access,
    bad_bulk,
    bad_children,
    bad_deployments,
    bad_pools,
    bad_runs,
    bad_variables,
    bad_versions,
)
from tests.integration.api.bad import BY_KEY, Bad, rows_of
from tests.integration.api.requests_that_work import GOOD
from tests.integration.api.scene import Scene, build
from tests.support.plane import Reply, rig

TABLES = (
    bad_access.ROWS,
    bad_bulk.ROWS,
    bad_pools.ROWS,
    bad_deployments.ROWS,
    bad_runs.ROWS,
    bad_children.ROWS,
    bad_variables.ROWS,
    bad_versions.ROWS,
)
OWN = {key: rows for table in TABLES for key, rows in table.items()}
NO_INPUT = {"GET /health", "GET /version", "GET /me"}
"""Routes that take nothing from the caller."""
LEAKS = ("Traceback", 'File "', "chalicelib", "pydantic", "moto", "botocore", "ClientError")


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    """One scene for all rows: nothing may change in it."""
    with rig() as made:
        yield build(made)


def test_every_route_has_at_least_ten_bad_inputs() -> None:
    assert set(OWN) | NO_INPUT == {f"{route.method} {route.path}" for route in declared()}
    counts = {key: len(list(rows_of(BY_KEY[key], rows))) for key, rows in OWN.items()}
    assert {key: count for key, count in counts.items() if count < 10} == {}


@pytest.mark.parametrize("route", OWN)
def test_they_are_refused_and_change_nothing(scene: Scene, route: str) -> None:
    """One test a route, not a row: there are two thousand rows."""
    wrong = []
    before = scene.picture()
    for row in rows_of(BY_KEY[route], OWN[route]):
        reply = row.send(scene, route)
        after = scene.picture()
        wrong += [f"{row.why}: {what}" for what in _wrong(reply, row)]
        if after != before:
            wrong.append(f"{row.why}: it changed something")
        before = after
    assert not wrong, "\n".join(wrong)


def _wrong(reply: Reply, row: Bad) -> Iterator[str]:
    """What is wrong with a refusal."""
    if reply.status != row.status:
        yield f"answered {reply.status}, not {row.status}: {reply.body}"
        return
    error = ErrorBody.model_validate(reply.body)
    if not (error.code and error.message and error.detail == error.message):
        yield f"does not say what is wrong: {reply.body}"
    if reply.headers["Content-Type"] != "application/json":
        yield f"is of type {reply.headers['Content-Type']}"
    if leaks := [leak for leak in LEAKS if leak in str(reply.body)]:
        yield f"leaks {leaks}: {reply.body}"


@pytest.mark.parametrize("route", sorted(NO_INPUT))
def test_what_takes_nothing_minds_nothing(scene: Scene, route: str) -> None:
    before = scene.picture()
    for query in ("", "?x=1", "?limit=%00", "?%ED%A0%80=1"):
        assert scene.rig.call("GET", f"{GOOD[route].path}{query}").status == 200
    assert scene.picture() == before


def test_every_kind_of_error_has_its_status() -> None:
    assert sorted(STATUS.values()) == [401, 403, 404, 409, 413, 422, 503]
