"""Secrets that stand where a reference belongs are found by schema, at any depth."""

from __future__ import annotations

from typing import Any

import pytest

from headrace import Secret, flow
from headrace.project.plain_secrets import plain_secrets

PLAIN = "hunter2-and-more"
REFERENCE = {"$secret": "env:DB_PASSWORD"}


@flow
def one(
    password: Secret,
    spare: Secret | None = None,
    several: list[Secret] | None = None,
    named: dict[str, Secret] | None = None,
    note: str = "",
) -> None: ...


SCHEMA = one.parameter_schema()
BY_REFERENCE: dict[str, Any] = {
    "properties": {"db": {"$ref": "#/definitions/Db"}},
    "definitions": {
        "Db": {"properties": {"password": {"x-secret": True}, "next": {"$ref": "#/definitions/Db"}}}
    },
}


@pytest.mark.parametrize(
    ("schema", "values", "found"),
    [
        (SCHEMA, {"password": PLAIN}, ["password"]),
        (SCHEMA, {"spare": PLAIN, "note": PLAIN}, ["spare"]),
        (SCHEMA, {"password": {"$secret": f"vault:{PLAIN}"}}, ["password"]),
        (SCHEMA, {"password": {**REFERENCE, "value": PLAIN}}, ["password"]),
        (SCHEMA, {"several": [REFERENCE, PLAIN], "named": {"a": PLAIN}}, ["several.1", "named.a"]),
        (SCHEMA, {"password": REFERENCE, "spare": None, "several": [REFERENCE], "note": PLAIN}, []),
        (BY_REFERENCE, {"db": {"next": {"next": {"password": PLAIN}}}}, ["db.next.next.password"]),
        ({"$ref": "#"}, {"password": PLAIN}, []),
        ({}, {"password": PLAIN}, []),
        (None, {"password": PLAIN}, []),
    ],
    ids=str,
)
def test_found_by_path(schema: dict[str, Any] | None, values: dict[str, Any], found: list[str]) -> None:
    assert plain_secrets(schema, values) == found
