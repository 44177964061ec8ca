"""What is wrong with a JSON value by its schema: every mistake at once, in our words, by `jsonschema`.

The library is imported at the first check, so that what needs no check starts without it. A schema may
refer only to its own parts and nothing is ever fetched. Patterns run in Python's `re`: schemas come from
those who may deploy, whose code runs on the workers anyway, and callers bound their size.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from chalicelib.domain.errors import FieldProblem
from chalicelib.domain.json_wording import explain

MAX_PROBLEMS = 20

_DATA = {"default", "const", "enum", "examples"}
"""Members of a schema that hold values, not schemas."""


def problems(schema: Mapping[str, object], value: Mapping[str, object], path: str) -> list[FieldProblem]:
    """All that is wrong with an object, at most 20 problems, each under its dotted path.

    Beyond JSON schema's own rules: names that the schema does not have are refused unless it speaks of
    `additionalProperties`, and a member's declared default is always allowed (`x: int = None` makes one).
    """
    strict = dict(schema)
    if "properties" in schema and "patternProperties" not in schema:
        strict.setdefault("additionalProperties", False)
    known = schema.get("properties")
    usual = [
        name for name, item in value.items() if isinstance(known, dict) and _is_default(known.get(name), item)
    ]
    try:
        errors = [e for e in _validator(strict).iter_errors(value) if not e.path or e.path[0] not in usual]
        found = [problem for error in errors for problem in explain(error, path)]
    except Exception as error:  # noqa: BLE001 - the library fails over a bad schema in many ways; none is ours
        return [FieldProblem(path, f"cannot be checked, its schema is broken: {_first_line(error)}")]
    return sorted(set(found), key=lambda problem: problem.path)[:MAX_PROBLEMS]


def schema_problems(schema: Mapping[str, object], path: str) -> list[FieldProblem]:
    """All that is wrong with the schema of an object."""
    if schema.get("type", "object") != "object":
        return [FieldProblem(f"{path}.type", f"is {schema['type']!r:.100}", "object")]
    known = schema.get("properties", {})
    if not isinstance(known, dict):
        return [FieldProblem(f"{path}.properties", "is not an object", "an object of schemas by name")]
    found = [
        FieldProblem(
            path, f"refers to {target!r:.100}, which is no part of it", "a $ref such as #/definitions/Name"
        )
        for target in _references(schema)
        if not _is_own_part(schema, target)
    ]
    if found:
        return found[:MAX_PROBLEMS]
    try:
        return _by_meta_schema(schema, path)[:MAX_PROBLEMS]
    except Exception as error:  # noqa: BLE001 - as above
        return [FieldProblem(path, f"is not a JSON schema: {_first_line(error)}")]


def _by_meta_schema(schema: Mapping[str, object], path: str) -> list[FieldProblem]:
    errors = _validator(_dialect(schema).META_SCHEMA).iter_errors(schema)
    return [problem for error in errors for problem in explain(error, path)]


def _validator(schema: Mapping[str, object]) -> Any:
    from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]

    # A registry of its own: the default one fetches what it does not know
    return _dialect(schema)(schema, registry=REGISTRY, format_checker=_formats())


def _dialect(schema: Mapping[str, object]) -> Any:
    """The draft that the schema names, or the one that pydantic writes."""
    import jsonschema  # type: ignore[import-untyped]

    named = {
        "draft-04": jsonschema.Draft4Validator,
        "draft-06": jsonschema.Draft6Validator,
        "draft-07": jsonschema.Draft7Validator,
        "2019-09": jsonschema.Draft201909Validator,
    }
    stated = str(schema.get("$schema", ""))
    return next((kind for name, kind in named.items() if name in stated), jsonschema.Draft202012Validator)


@lru_cache(maxsize=1)
def _formats() -> Any:
    """Formats that Python's types make, checked no more strictly than the flow itself will."""
    from jsonschema import FormatChecker

    checker = FormatChecker(formats=())
    for name, check in (
        ("date-time", datetime.fromisoformat),
        ("date", datetime.fromisoformat),
        ("uuid", UUID),
        ("regex", re.compile),
    ):
        checker.checks(name, raises=(ValueError, re.error))(_on_texts(check))
    return checker


def _on_texts(check: Any) -> Any:
    def applies(value: object) -> bool:
        if isinstance(value, str) and not value.replace(".", "", 1).isdigit():
            check(value)
        return True

    return applies


def _is_default(schema: object, value: object) -> bool:
    if not isinstance(schema, dict) or "default" not in schema:
        return False
    return type(schema["default"]) is type(value) and bool(schema["default"] == value)


def _references(schema: Mapping[str, object]) -> Iterator[object]:
    waiting: list[object] = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield from (part[name] for name in ("$ref", "$dynamicRef", "$recursiveRef") if name in part)
            waiting += [member for name, member in part.items() if name not in _DATA]
        elif isinstance(part, list):
            waiting += part


def _is_own_part(schema: Mapping[str, object], target: object) -> bool:
    """Whether a `$ref` is a JSON pointer into the schema itself."""
    if not isinstance(target, str) or not re.fullmatch(r"#(/.*)?", target):
        return False
    part: object = schema
    for step in target[1:].split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(part, list) and name.isdecimal() and int(name) < len(part):
            part = part[int(name)]
        elif isinstance(part, dict) and name in part:
            part = part[name]
        else:
            return False
    return True


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__} {error}".splitlines()[0][:200]
