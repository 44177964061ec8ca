"""The OpenAPI 3.1 document, made from the declared routes and the contract's models."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from pydantic import TypeAdapter

from chalicelib.api.endpoint import Route
from chalicelib.api.routes import declared
from chalicelib.domain.access import Need
from headrace import __version__
from headrace.contract.errors import ErrorBody

Mode = Literal["validation", "serialization"]
Schemas = Mapping[tuple[str, Mode], Any]
_REF = "#/components/schemas/{model}"
_ERROR = "error"
_KEY = "api_key"


def document() -> str:
    """The document as JSON text."""
    routes = declared()
    schemas, shared = TypeAdapter.json_schemas(_kinds(routes), ref_template=_REF)
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(f"/api{route.path}", {})[route.method.lower()] = _operation(route, schemas)
    return json.dumps(
        {
            "openapi": "3.1.0",
            "info": {"title": "Headrace", "version": __version__},
            "paths": paths,
            "components": {
                "schemas": shared.get("$defs", {}),
                "securitySchemes": {_KEY: {"type": "http", "scheme": "bearer"}},
            },
        }
    )


def _kinds(routes: Iterable[Route]) -> Iterator[tuple[str, Mode, TypeAdapter[Any]]]:
    """All that is sent and answered. Made together, so that a model that differs in the two has two names."""
    yield _ERROR, "serialization", TypeAdapter(ErrorBody)
    for route in routes:
        name = _operation_id(route)
        if route.body is not None:
            yield name, "validation", TypeAdapter(route.body)
        if route.answer is not None:
            yield name, "serialization", TypeAdapter(route.answer)


def _operation(route: Route, schemas: Schemas) -> dict[str, Any]:
    name = _operation_id(route)
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": name,
        "parameters": [*_path_members(route), *_query_members(route)],
        "responses": {
            **{str(status): _success(schemas.get((name, "serialization"))) for status in _statuses(route)},
            "default": {"description": "Not done, and why.", **_content(schemas[_ERROR, "serialization"])},
        },
    }
    needs = route.needs or Need.MANAGE
    operation |= {"x-headrace-needs": needs.value, "security": [] if needs is Need.NOTHING else [{_KEY: []}]}
    if route.eased:
        operation["x-headrace-operators-may-change"] = sorted(route.eased)
    if route.body is not None:
        operation["requestBody"] = {"required": True, **_content(schemas[name, "validation"])}
    return operation


def _operation_id(route: Route) -> str:
    return f"{route.method.lower()}{re.sub(r'[^A-Za-z0-9]+', '_', route.path).rstrip('_')}"


def _statuses(route: Route) -> list[int]:
    if route.answer is None and route.status == 200:
        return [204]
    return [route.status, 200] if route.finds else [route.status]


def _path_members(route: Route) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", route.path):
        schema = {"type": "string", "format": "uuid"} if name.endswith("_id") else {"type": "string"}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_members(route: Route) -> Iterator[dict[str, Any]]:
    if route.query is not None:
        for name, schema in route.query.model_json_schema()["properties"].items():
            yield {"name": name, "in": "query", "schema": schema}


def _success(schema: Any) -> dict[str, Any]:
    return {"description": "Done.", **(_content(schema) if schema is not None else {})}


def _content(schema: Any) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}
