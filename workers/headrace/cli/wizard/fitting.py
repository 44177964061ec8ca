"""Whether an answer fits its parameter's schema, told while it can still be corrected.

The control plane checks all of it again. What is checked here is what type hints make of a schema, so that
nobody needs a library for it; a rule that is not known here is passed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from headrace.project.plain_secrets import part_of

KINDS: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "string": (str,),
    "null": (type(None),),
}
FORMATS: dict[str, tuple[Callable[[str], object], str]] = {
    "date": (date.fromisoformat, "2026-01-31"),
    "date-time": (datetime.fromisoformat, "2026-01-31T09:00:00+01:00"),
    "time": (time.fromisoformat, "09:00:00"),
    "uuid": (UUID, "6f1c2a9e-5b7d-4e1f-9c3a-0d2b8e4f6a71"),
}
"""Readers of texts with a format, and one such text."""
_MOST_NESTED = 50
"""A schema may refer to itself without end."""


def kind_of(schema: Mapping[str, Any], rule: object) -> str:
    """What a parameter takes, in a few words: `integer`, `date`, `object or null`; empty if anything."""
    rule = _resolved(schema, rule)
    if any(name in rule for name in ("anyOf", "oneOf")):
        kinds = [kind_of(schema, one) for one in rule.get("anyOf") or rule.get("oneOf") or ()]
        return " or ".join(dict.fromkeys(kinds)) if all(kinds) else ""
    if rule.get("format") in FORMATS:
        return f"{rule['format']}, as in {FORMATS[rule['format']][1]}"
    kind = rule.get("type")
    return " or ".join(kind) if isinstance(kind, list) else str(kind or "")


def misfit(schema: Mapping[str, Any], rule: object, value: object, depth: int = 0) -> str | None:
    """Why a value does not fit a rule of the schema, to be read after the value itself; None if it may."""
    rule = _resolved(schema, rule)
    if depth > _MOST_NESTED:
        return None
    for each in rule.get("allOf") or ():
        if reason := misfit(schema, each, value, depth + 1):
            return reason
    options = rule.get("anyOf") or rule.get("oneOf") or ()
    reasons = [misfit(schema, each, value, depth + 1) for each in options]
    if reasons and all(reasons):
        return _of_options(schema, rule, options, value, reasons)
    return _own(rule, value) or _of_members(schema, rule, value, depth)


def _of_options(
    schema: Mapping[str, Any],
    rule: Mapping[str, Any],
    options: Sequence[object],
    value: object,
    reasons: Sequence[str | None],
) -> str | None:
    """The reason of the one alternative that is of the value's kind, or the kinds that there are."""
    near = [
        reason
        for option, reason in zip(options, reasons, strict=True)
        if _has_kind(_resolved(schema, option).get("type"), value)
    ]
    kinds = kind_of(schema, rule)
    return near[0] if len(near) == 1 or not kinds else f"is not of type {kinds}"


def _own(rule: Mapping[str, Any], value: object) -> str | None:
    """What the rule says of the value without its members."""
    if not _has_kind(rule.get("type"), value):
        kind = rule["type"]
        return f"is not of type {' or '.join(kind) if isinstance(kind, list) else kind}"
    if "enum" in rule and value not in rule["enum"]:
        return f"must be one of {', '.join(map(json.dumps, rule['enum']))}"
    if "const" in rule and value != rule["const"]:
        return f"must be {json.dumps(rule['const'])}"
    if isinstance(value, str):
        return _of_text(rule, value)
    return _of_number(rule, value) if isinstance(value, int | float) else None


def _of_text(rule: Mapping[str, Any], value: str) -> str | None:
    read, example = FORMATS.get(str(rule.get("format")), (str, ""))
    try:
        if not value.replace(".", "", 1).isdigit():  # a moment in seconds: left to the control plane
            read(value.strip())
    except ValueError:
        return f"is no {rule['format']}: write it like {example}"
    pattern = rule.get("pattern")
    try:
        fits = not isinstance(pattern, str) or re.search(pattern, value) is not None
    except re.error:
        fits = True
    return None if fits else f"does not match {pattern}"


def _of_number(rule: Mapping[str, Any], value: float) -> str | None:
    low, high = rule.get("minimum"), rule.get("maximum")
    if isinstance(low, int | float) and value < low:
        return f"is less than {low}"
    return f"is more than {high}" if isinstance(high, int | float) and value > high else None


def _of_members(schema: Mapping[str, Any], rule: Mapping[str, Any], value: object, depth: int) -> str | None:
    known = rule.get("properties")
    known = known if isinstance(known, Mapping) else {}
    rest = rule.get("items") if isinstance(value, list) else rule.get("additionalProperties")
    members: dict[Any, tuple[object, object]] = {}
    if isinstance(value, dict):
        lacking = [name for name in rule.get("required") or () if name not in value]
        if lacking:
            return f"lacks {json.dumps(lacking[0])}"
        members = {name: (known.get(name, rest), inner) for name, inner in value.items()}
    elif isinstance(value, list):
        first = rule.get("prefixItems") or []
        members = {n: (first[n] if n < len(first) else rest, inner) for n, inner in enumerate(value)}
    for name, (inner_rule, inner) in members.items():
        if inner_rule is False:
            return f"takes no {json.dumps(name)}"
        if reason := misfit(schema, inner_rule, inner, depth + 1):
            return f"at {json.dumps(name)} {reason}"
    return None


def _has_kind(kind: object, value: object) -> bool:
    if isinstance(kind, list):
        return any(_has_kind(each, value) for each in kind)
    kinds = KINDS.get(str(kind))
    if kinds is None:
        return True
    if isinstance(value, float) and kind == "integer":
        return value.is_integer()
    return isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))


def _resolved(schema: Mapping[str, Any], rule: object) -> Mapping[str, Any]:
    """The rule itself, or the one that it refers to; what is no object rules nothing."""
    for _ in range(_MOST_NESTED):
        target = rule.get("$ref") if isinstance(rule, Mapping) else None
        if not isinstance(target, str):
            break
        rule = part_of(schema, target)
    return rule if isinstance(rule, Mapping) else {}
