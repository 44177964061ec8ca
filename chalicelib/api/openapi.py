"""The OpenAPI 3.1 document, made from the declared routes and the contract's models."""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import models_json_schema

from chalicelib.api.endpoint import ROUTES, Route
from headrace import __version__
from headrace.contract.errors import ErrorBody

_REF = "#/components/schemas/{model}"


def document() -> str:
    """The document as JSON text."""
    schemas: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for route in ROUTES:
        paths.setdefault(f"/api{route.path}", {})[route.method.lower()] = _operation(route, schemas)
    _, errors = models_json_schema([(ErrorBody, "serialization")], ref_template=_REF)
    schemas |= errors.get("$defs", {})
    return json.dumps(
        {
            "openapi": "3.1.0",
            "info": {"title": "Headrace", "version": __version__},
            "paths": paths,
            "components": {"schemas": dict(sorted(schemas.items()))},
        }
    )


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": f"{route.method.lower()}{re.sub(r'[^A-Za-z0-9]+', '_', route.path).rstrip('_')}",
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": _member(name)}
            for name in re.findall(r"{(\w+)}", route.path)
        ],
        "responses": {
            str(route.status): {"description": "Done.", **_content(route.answer, "serialization", schemas)},
            "default": {
                "description": "Not done, and why.",
                "content": {"application/json": {"schema": {"$ref": _REF.format(model="ErrorBody")}}},
            },
        },
    }
    if route.body is not None:
        operation["requestBody"] = {"required": True, **_content(route.body, "validation", schemas)}
    return operation


def _member(name: str) -> dict[str, str]:
    return {"type": "string", "format": "uuid"} if name.endswith("_id") else {"type": "string"}


def _content(kind: Any, mode: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    if kind is None:
        return {}
    schema = TypeAdapter(kind).json_schema(mode=mode, ref_template=_REF)
    schemas |= schema.pop("$defs", {})
    if title := schema.get("title") if schema.get("type") == "object" and "properties" in schema else None:
        schemas[title] = schema
        schema = {"$ref": _REF.format(model=title)}
    return {"content": {"application/json": {"schema": schema}}}
