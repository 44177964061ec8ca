"""Finds secrets that stand where a reference to one belongs, before anything is written or sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from headrace.contract.secrets import KEY, alternatives, is_reference, marks, part_of

NOT_TAKEN = "must be a reference to a secret: a secret itself is not taken."
HOW = "Say where a worker finds it: env:NAME, ssm:/path or secretsmanager:ARN."
_MOST_NESTED = 50
"""A schema may refer to itself without end."""


def plain_secrets(schema: Mapping[str, Any] | None, parameters: Mapping[str, Any]) -> list[str]:
    """Paths of the parameters that a schema declares to be secrets, and that hold no reference to one."""
    return list(_found(schema or {}, schema or {}, parameters, "", 0))


def wrong_references(value: object, path: str) -> list[str]:
    """Paths below a value at which something means to be a reference to a secret, and is none."""
    if isinstance(value, Mapping):
        if KEY in value:
            return [] if is_reference(value) else [path]
        return [found for name, inner in value.items() for found in wrong_references(inner, f"{path}.{name}")]
    inner = enumerate(value) if isinstance(value, list) else ()
    return [found for number, member in inner for found in wrong_references(member, f"{path}.{number}")]


def _found(root: Mapping[str, Any], rule: object, value: object, path: str, depth: int) -> Iterator[str]:
    if not isinstance(rule, Mapping) or depth > _MOST_NESTED or value is None or is_reference(value):
        return
    if marks(rule):
        yield path
        return
    for other in _same_value(root, rule):
        yield from _found(root, other, value, path, depth + 1)
    for name, inner, member in _members(rule, value):
        yield from _found(root, inner, member, f"{path}.{name}" if path else str(name), depth + 1)


def _same_value(root: Mapping[str, Any], rule: Mapping[str, Any]) -> list[object]:
    """Further schemas of the very value."""
    target = rule.get("$ref")
    return [*alternatives(rule), *([part_of(root, target)] if isinstance(target, str) else [])]


def _members(rule: Mapping[str, Any], value: object) -> Iterator[tuple[object, object, object]]:
    """Name, schema and value of each member of an object or a list."""
    if isinstance(value, Mapping):
        known = rule.get("properties")
        known = known if isinstance(known, Mapping) else {}
        for name, member in value.items():
            yield name, known.get(name, rule.get("additionalProperties")), member
    elif isinstance(value, list):
        first = rule.get("prefixItems")
        first = first if isinstance(first, list) else []
        for number, member in enumerate(value):
            yield number, first[number] if number < len(first) else rule.get("items"), member
