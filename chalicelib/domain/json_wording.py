"""Errors of `jsonschema` told to people: which member, what it is, and what was expected."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from chalicelib.domain import secrets
from chalicelib.domain.errors import FieldProblem
from headrace.contract.secrets import marks

_TYPES = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "array": "an array",
    "object": "an object",
    "null": "null",
}
_BOUNDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "minProperties": "at least {} members",
    "maxProperties": "at most {} members",
    "pattern": "a text that matches {}",
    "format": "a text in the format {}",
}


def explain(error: Any, path: str) -> Iterator[FieldProblem]:
    """The problems that one `ValidationError` stands for, under their dotted paths."""
    here = ".".join([path, *map(str, error.absolute_path)])
    if marks(error.schema):
        return iter([FieldProblem(here, secrets.PLAIN, secrets.EXPECTED)])
    return _explain(error, path, here)


def _explain(error: Any, path: str, here: str) -> Iterator[FieldProblem]:
    if error.validator == "required":
        for name in error.validator_value:
            if name not in error.instance:
                yield FieldProblem(f"{here}.{name}", "is missing", expectation(_member(error.schema, name)))
    elif error.validator == "additionalProperties" and error.validator_value is False:
        yield from _unknown(error, here)
    elif error.validator in {"anyOf", "oneOf"}:
        yield from _alternatives(error, path, here)
    elif error.validator in {"type", "enum", "const"}:
        yield FieldProblem(here, f"is {shown(error.instance)}", expectation(error.schema))
    elif error.validator in _BOUNDS:
        expected = _BOUNDS[error.validator].format(_short(str(error.validator_value)))
        yield FieldProblem(here, f"is {shown(error.instance)}", expected)
    else:
        yield FieldProblem(here, f"does not fit: {_short(error.message, 200)}", expectation(error.schema))


def expectation(schema: object) -> str | None:
    """What a schema asks for, in a few words; None if that cannot be said shortly."""
    if not isinstance(schema, dict):
        return None
    if "enum" in schema and isinstance(schema["enum"], list):
        return _short("one of " + ", ".join(map(repr, schema["enum"])), 200)
    if "const" in schema:
        return repr(schema["const"])
    if isinstance(schema.get("$ref"), str):
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    for name in ("anyOf", "oneOf"):
        if isinstance(schema.get(name), list):
            return _joined(expectation(part) for part in schema[name])
    kinds = schema.get("type")
    return _joined(_TYPES.get(str(kind)) for kind in (kinds if isinstance(kinds, list) else [kinds]))


def shown(value: object) -> str:
    """A value and its kind, cut to a readable length."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    kinds = {str: "a string", int: "an integer", float: "a number", list: "an array", dict: "an object"}
    return f"{_short(repr(value))} ({kinds.get(type(value), type(value).__name__)})"


def _unknown(error: Any, here: str) -> Iterator[FieldProblem]:
    known = list(error.schema.get("properties", {}))
    for name in error.instance:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
            advice = f"; did you mean {near[0]}?" if near else "" if known else "; there are none here"
            expected = _short("one of " + ", ".join(known), 200) if known else None
            yield FieldProblem(f"{here}.{name}", f"is not known{advice}", expected)


def _alternatives(error: Any, path: str, here: str) -> Iterator[FieldProblem]:
    """What is wrong by the only alternative of the value's kind; without such a one, what all ask for."""
    branches = [list(group) for _, group in groupby(error.context, key=lambda part: part.schema_path[0])]
    of_its_kind = [
        branch
        for branch in branches
        if not any(not part.path and part.validator in {"type", "enum", "const"} for part in branch)
    ]
    if len(of_its_kind) == 1:
        for part in of_its_kind[0]:
            yield from explain(part, path)
    else:
        yield FieldProblem(here, f"is {shown(error.instance)}", expectation(error.schema))


def _member(schema: Any, name: str) -> object:
    members = schema.get("properties")
    return members.get(name) if isinstance(members, dict) else None


def _joined(words: Iterable[str | None]) -> str | None:
    return " or ".join(dict.fromkeys(word for word in words if word)) or None


def _short(text: str, length: int = 80) -> str:
    return text if len(text) <= length else text[: length - 3] + "..."
