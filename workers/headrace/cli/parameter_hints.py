"""Says how a parameter that was refused is given on the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from headrace.cli.values import quote, resolved, wants_secret

if TYPE_CHECKING:
    from headrace.contract.errors import FieldError

LONG = 40
"""Characters of a value that are shown again."""
DEEPEST = 10
"""Levels of a schema that an example follows: it may refer to itself without end."""
_EXAMPLES: dict[str, Any] = {
    "string": "TEXT",
    "integer": 3,
    "number": 1.5,
    "boolean": True,
    "object": {"key": "value"},
    "null": None,
}


_OF_SCHEDULE = re.compile(r"schedules\.\d+\.")
_NOBODY = "A schedule's runs take the deployment's parameters: nobody is there to give them others."


@contextmanager
def hinting(schema: Mapping[str, Any] | None, given: Mapping[str, Any]) -> Iterator[None]:
    """Say of parameters that are refused how they are given on the command line."""
    from headrace.client.errors import Invalid

    try:
        yield
    except Invalid as error:
        error.hint = how_to_give(error.errors, schema, given) or error.hint
        raise


def how_to_give(
    errors: Sequence[FieldError], schema: Mapping[str, Any] | None, given: Mapping[str, Any]
) -> str | None:
    """A line for each parameter that is missing, or of the wrong kind; None if there is nothing to say."""
    known = (schema or {}).get("properties") or {}
    lines = dict.fromkeys(line for error in errors for line in _lines(error, schema, known, given))
    return "\n".join(lines) or None


def _lines(
    error: FieldError, schema: Mapping[str, Any] | None, known: Mapping[str, Any], given: Mapping[str, Any]
) -> Iterator[str]:
    path = _OF_SCHEDULE.sub("", error.path, count=1)
    root, _, name = path.partition(".")
    if root != "parameters" or "." in name:
        return
    if name not in known:
        if known:
            yield f"The flow takes {', '.join(known)}."
        return
    if path != error.path:
        yield _NOBODY
    if wants_secret(schema, name):
        yield f"Say where a worker finds the secret: --param {quote(name)}=env:NAME"
        return
    value = given.get(name)
    if isinstance(value, str) and value[:1] in ("[", "{"):
        yield f"{value if len(value) <= LONG else value[: LONG - 3] + '...'} is not JSON."
    example = _example(schema, known[name])
    text = example if isinstance(example, str) else json.dumps(example)
    yield f"Give {error.expected or 'it'}: --param {quote(f'{name}={text}')}"


def _example(schema: Mapping[str, Any] | None, rule: object, depth: int = 0) -> Any:
    """A value of the kind that a schema asks for, as people type it."""
    rule = resolved(schema, rule)
    for alternative in (rule.get("anyOf") or rule.get("oneOf") or ()) if depth < DEEPEST else ():
        return _example(schema, alternative, depth + 1)
    if isinstance(rule.get("enum"), list) and rule["enum"]:
        return rule["enum"][0]
    if rule.get("type") == "array":
        inner = _example(schema, rule.get("items"), depth + 1) if depth < DEEPEST else "VALUE"
        return ["a", "b"] if inner in ("TEXT", "VALUE") else [inner]
    kind = rule.get("type")
    return _EXAMPLES.get(kind, "VALUE") if isinstance(kind, str) else "VALUE"
