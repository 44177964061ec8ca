"""Secret parameters: the control plane stores where a secret is, `{"$secret": "env:NAME"}`, never the secret.

A schema marks them by the keyword `x-secret`. Where it does not, a reference is refused: who may start a
run must not have a worker's environment read into a parameter that its flow prints or sends somewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from chalicelib.domain.errors import FieldProblem, Invalid
from headrace.contract.secrets import KEY, MARK, is_reference, marks, part_of

EXPECTED = '{"$secret": "env:NAME"}, {"$secret": "ssm:/path"} or {"$secret": "secretsmanager:ARN"}'
PLAIN = "must be a reference to a secret: a secret itself is not taken"


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


def _problems(
    schema: Mapping[str, object], values: Mapping[str, object], path: str
) -> Iterator[FieldProblem]:
    known = schema.get("properties")
    for name, value in values.items():
        rule = (known if isinstance(known, Mapping) else {}).get(name, schema.get("additionalProperties"))
        here = f"{path}.{name}"
        if marks(rule):
            if value is not None and not is_reference(value):
                yield FieldProblem(here, PLAIN, EXPECTED)
        elif not _marks_within(schema, rule):
            if any(True for _ in references(value)):
                yield FieldProblem(here, "refers to a secret, and is not declared as one", "type it `Secret`")
        elif any(not is_reference(one) for one in references(value)):
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
    if any(not is_reference(one) for one in references(value)):
        problem = FieldProblem(path, "holds what is no reference to a secret", EXPECTED)
        raise Invalid(f"{path} {problem.message}.", code="secret", hint=EXPECTED, errors=[problem])


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
                waiting.append(part_of(schema, target))
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    return False
