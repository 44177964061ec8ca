"""Secret parameters: the control plane stores where a secret is, `{"$secret": "env:NAME"}`, never the secret.

A schema marks them by the keyword `x-secret`. Where it does not, a reference is refused: who may start a
run must not have a worker's environment read into a parameter that its flow prints or sends somewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from chalicelib.domain.errors import FieldProblem, Invalid

MARK = "x-secret"
KEY = "$secret"
EXPECTED = '{"$secret": "env:NAME"}, {"$secret": "ssm:/path"} or {"$secret": "secretsmanager:ARN"}'
PLAIN = "must be a reference to a secret: a secret itself is not taken"
REFERENCE = re.compile(r"env:[A-Za-z_]\w{0,200}|(ssm|secretsmanager):[\w/.:@+=,-]{1,2000}", re.ASCII)


def check(schema: Mapping[str, object] | None, values: Mapping[str, object], path: str) -> None:
    """See that secret parameters hold references, and no others do.

    Raises:
        Invalid: Names each mistake; never tells a value.
    """
    problems = list(_problems(schema or {}, values, path))
    if problems:
        hint = "Put the secret where the worker can read it, and send where that is."
        raise Invalid(
            f"{problems[0].path} {problems[0].message}.", code="secret", hint=hint, errors=problems[:20]
        )


def marks(schema: object) -> bool:
    """Whether this very schema, or an alternative in it, is that of a secret."""
    if not isinstance(schema, Mapping):
        return False
    members = (part for name in ("anyOf", "oneOf", "allOf") for part in _list(schema.get(name)))
    return schema.get(MARK) is True or any(marks(part) for part in members)


def _problems(
    schema: Mapping[str, object], values: Mapping[str, object], path: str
) -> Iterator[FieldProblem]:
    known = schema.get("properties")
    for name, value in values.items():
        rule = (known if isinstance(known, Mapping) else {}).get(name, schema.get("additionalProperties"))
        here = f"{path}.{name}"
        if marks(rule):
            if value is not None and not _is_reference(value):
                yield FieldProblem(here, PLAIN, EXPECTED)
        elif not _marks_within(schema, rule):
            if any(True for _ in references(value)):
                yield FieldProblem(here, "refers to a secret, and is not declared as one", "type it `Secret`")
        elif any(not _is_reference(one) for one in references(value)):
            yield FieldProblem(here, "holds what is no reference to a secret", EXPECTED)


def references(value: object) -> Iterator[object]:
    """Everything in a value that means to be a reference."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Mapping):
            if KEY in part:
                yield part
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def refuse_wrong_references(value: object, path: str) -> None:
    """See that whatever means to be a reference is one, wherever it stands.

    Raises:
        Invalid: One is not; its value is not told.
    """
    if any(not _is_reference(one) for one in references(value)):
        problem = FieldProblem(path, "holds what is no reference to a secret", EXPECTED)
        raise Invalid(f"{path} {problem.message}.", code="secret", hint=EXPECTED, errors=[problem])


def _is_reference(value: object) -> bool:
    if not isinstance(value, Mapping) or set(value) != {KEY}:
        return False
    return isinstance(value[KEY], str) and bool(REFERENCE.fullmatch(value[KEY]))


def _marks_within(schema: Mapping[str, object], rule: object) -> bool:
    """Whether a rule speaks of a secret at any depth, also by way of a definition."""
    waiting, seen = [rule], set()
    while waiting:
        part = waiting.pop()
        if isinstance(part, Mapping):
            if part.get(MARK) is True:
                return True
            target = part.get("$ref")
            if isinstance(target, str) and target not in seen:
                seen.add(target)
                waiting.append(_part(schema, target))
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    return False


def _part(schema: Mapping[str, object], target: str) -> object:
    """What a `$ref` to `#/definitions/Name` or `#/$defs/Name` means."""
    found: object = schema
    for step in target.removeprefix("#/").split("/"):
        found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    return found


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
