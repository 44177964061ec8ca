"""References to secrets, and the schemas that ask for one. Standard library only: the domain uses it too.

The SDK, which imports no contract, has its own words for the two names: `headrace.secret`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

KEY = "$secret"
MARK = "x-secret"
"""The keyword by which a schema says that a value is a secret."""
REFERENCE = re.compile(r"env:[A-Za-z_]\w{0,200}|(ssm|secretsmanager):[\w/.:@+=,-]{1,2000}", re.ASCII)
"""What is taken as a reference: where a worker finds the secret."""


def is_reference(value: object) -> bool:
    """Whether it is `{"$secret": "env:NAME"}` or the like."""
    if not isinstance(value, Mapping) or set(value) != {KEY}:
        return False
    return isinstance(value[KEY], str) and REFERENCE.fullmatch(value[KEY]) is not None


def marks(schema: object) -> bool:
    """Whether this very schema, or an alternative in it, is that of a secret."""
    if not isinstance(schema, Mapping):
        return False
    return schema.get(MARK) is True or any(marks(one) for one in alternatives(schema))


def alternatives(schema: Mapping[str, object]) -> list[object]:
    """Further schemas of the very value, but for what a `$ref` names."""
    kinds = (schema.get(name) for name in ("anyOf", "oneOf", "allOf"))
    return [one for kind in kinds if isinstance(kind, list) for one in kind]


def part_of(schema: Mapping[str, object], target: str) -> object:
    """The part of a schema that a `$ref` names, as in `#/definitions/Name`; None if there is none."""
    found: object = schema
    for step in target.removeprefix("#/").split("/"):
        found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    return found
