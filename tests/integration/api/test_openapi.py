"""The OpenAPI document: valid, whole, and true to the routes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.api.openapi import document
from chalicelib.api.routes import declared
from tests.support.plane import Rig


@pytest.fixture(scope="module")
def doc() -> Any:
    """The document, parsed."""
    return json.loads(document())


def test_it_is_served(plane: Rig, doc: Any) -> None:
    reply = plane.call("GET", "/openapi.json")
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/json")
    assert reply.body == doc


def test_it_is_valid_openapi(doc: Any) -> None:
    validator = pytest.importorskip("openapi_spec_validator")
    validator.OpenAPIV31SpecValidator(doc).validate()


def test_every_reference_resolves(doc: Any) -> None:
    assert doc["openapi"].startswith("3.1.")
    known = {f"#/components/schemas/{name}" for name in doc["components"]["schemas"]}
    used = set(_references(doc))
    assert used - known == set()
    assert known - used == set(), "a schema that nothing uses"


def test_every_route_is_in_it_once(doc: Any) -> None:
    found = {(method.upper(), path) for path, methods in doc["paths"].items() for method in methods}
    assert found == {(route.method, f"/api{route.path}") for route in declared()}
    names = [operation["operationId"] for path in doc["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names)) == len(declared())


def test_each_operation_says_what_its_route_takes_and_answers(doc: Any) -> None:
    for route in declared():
        operation = doc["paths"][f"/api{route.path}"][route.method.lower()]
        assert operation["summary"]
        in_path = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
        assert in_path == set(re.findall(r"{(\w+)}", route.path))
        assert ("requestBody" in operation) == (route.body is not None)
        assert "default" in operation["responses"]
        if route.answer is None and route.status == 200:
            assert set(operation["responses"]) == {"204", "default"}


def test_each_operation_says_who_may_call_it(doc: Any) -> None:
    for route in declared():
        operation = doc["paths"][f"/api{route.path}"][route.method.lower()]
        assert operation["x-headrace-needs"] == route.needs
        assert operation["security"] == ([] if route.path == "/health" else [{"api_key": []}])
    pause = doc["paths"]["/api/work_pools/{pool}"]["patch"]
    assert pause["x-headrace-operators-may-change"] == ["concurrency_limit", "is_paused"]


def test_upserts_may_answer_200(doc: Any) -> None:
    for path in ("flows", "deployments", "flow_runs", "deployments/{deployment_id}/create_flow_run"):
        assert {"200", "201"} <= set(doc["paths"][f"/api/{path}"]["post"]["responses"])


def test_queries_are_described(doc: Any) -> None:
    operation = doc["paths"]["/api/work_pools/{pool}"]["delete"]
    query = {p["name"]: p for p in operation["parameters"] if p["in"] == "query"}
    assert set(query) == {"cancel_runs", "move_to"}
    assert not any(p.get("required") for p in query.values())


def test_a_request_says_what_it_must_have(doc: Any) -> None:
    schemas = doc["components"]["schemas"]
    assert sorted(schemas["DeploymentCreate"]["required"]) == ["flow_id", "name"]
    assert schemas["DeploymentCreate"]["additionalProperties"] is False


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for member in value.values():
            yield from _references(member)
    elif isinstance(value, list):
        for member in value:
            yield from _references(member)
