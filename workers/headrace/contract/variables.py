"""Variables: small values by name, for project files."""

from __future__ import annotations

import json
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from headrace.contract.base import And, Answer, ListRequest, Request, Tags, Time, pattern

VALUE_LENGTH = 5000
VariableName = Annotated[
    str,
    StringConstraints(
        pattern=pattern(r"^[a-z0-9_-]+$", "may have lower-case letters, digits, _ and - alone"),
        min_length=1,
        max_length=255,
    ),
]
"""Small letters, digits, hyphens and underscores."""


def _short(value: object) -> object:
    """Refuse what is too long, or no JSON."""
    length = len(json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False))
    if length > VALUE_LENGTH:
        raise ValueError(f"has {length} characters as JSON; {VALUE_LENGTH} are allowed")
    return value


VariableValue = Annotated[object, AfterValidator(_short)]
"""Any JSON of up to 5,000 characters."""


class VariableCreate(Request):
    """`POST /variables/`. `value` is any JSON of up to 5,000 characters; it is no place for a secret."""

    name: VariableName
    value: VariableValue
    tags: Tags


class VariableUpdate(Request):
    """`PATCH /variables/name/{name}`: only the members given are changed. A name stays what it is."""

    name: VariableName | None = None
    value: VariableValue = None
    tags: Tags


class Variable(Answer):
    """A variable."""

    id: UUID
    created: Time
    updated: Time
    name: str
    value: object = None
    tags: list[str] = Field(default_factory=list)


class VariableNames(Request):
    """Variables of these names."""

    any_: list[str] | None = Field(default=None, max_length=200)
    like_: None = None


class VariableFilter(Request):
    """Filter of variables."""

    operator: And = "and_"
    id: None = None
    name: VariableNames | None = None
    tags: None = None


class VariableList(ListRequest):
    """`POST /variables/filter`."""

    variables: VariableFilter | None = None
    sort: str | None = None
