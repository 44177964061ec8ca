"""Finds secrets that stand where a reference to one belongs, before anything is written or sent."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from headrace.secret import reference_in

REFERENCE = re.compile(r"env:[A-Za-z_]\w{0,200}|(ssm|secretsmanager):[\w/.:@+=,-]{1,2000}", re.ASCII)
"""What the control plane takes as a reference."""
HOW = "Say where a worker finds it: env:NAME, ssm:/path or secretsmanager:ARN."
_MOST_NESTED = 50
"""A schema may refer to itself without end."""


def marks(rule: object) -> bool:
    """Whether this very schema, or an alternative in it, is that of a secret."""
    if not isinstance(rule, Mapping):
        return False
    return rule.get("x-secret") is True or any(marks(one) for one in _alternatives(rule))


def plain_secrets(schema: Mapping[str, Any] | None, parameters: Mapping[str, Any]) -> list[str]:
    """Paths of the parameters that a schema declares to be secrets, and that hold no reference to one."""
    return list(_found(schema or {}, schema or {}, parameters, "", 0))


def is_reference(value: object) -> bool:
    """Whether it is `{"$secret": "env:NAME"}` or the like."""
    reference = reference_in(value)
    return reference is not None and REFERENCE.fullmatch(reference) is not None


def _found(root: Mapping[str, Any], rule: object, value: object, path: str, depth: int) -> Iterator[str]:
    if not isinstance(rule, Mapping) or depth > _MOST_NESTED or is_reference(value):
        return
    if marks(rule):
        if value is not None:
            yield path
        return
    for other in _alternatives(rule):
        yield from _found(root, other, value, path, depth + 1)
    if isinstance(target := rule.get("$ref"), str):
        yield from _found(root, _part(root, target), value, path, depth + 1)
    if isinstance(value, Mapping):
        known = rule.get("properties")
        for name, member in value.items():
            inner = known.get(name) if isinstance(known, Mapping) else None
            inner = rule.get("additionalProperties") if inner is None else inner
            yield from _found(root, inner, member, f"{path}.{name}" if path else str(name), depth + 1)
    elif isinstance(value, list):
        first = rule.get("prefixItems")
        rules = [*first] if isinstance(first, list) else []
        for number, member in enumerate(value):
            inner = rules[number] if number < len(rules) else rule.get("items")
            yield from _found(root, inner, member, f"{path}.{number}", depth + 1)


def _alternatives(rule: Mapping[str, Any]) -> list[object]:
    kinds = (rule.get(name) for name in ("anyOf", "oneOf", "allOf"))
    return [one for kind in kinds if isinstance(kind, list) for one in kind]


def _part(root: Mapping[str, Any], target: str) -> object:
    found: object = root
    for step in target.removeprefix("#/").split("/"):
        found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    return found
