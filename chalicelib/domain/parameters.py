"""The JSON parameters of a run: merged, measured, and checked against their deployment's schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from chalicelib.domain import json_schema, secrets
from chalicelib.domain.errors import FieldProblem, Invalid, TooLarge
from headrace.contract.sizes import PARAMETER_BYTES

MAX_BYTES = 100 * 1024
"""Size of the parameters of a deployment or schedule, or of a schema, as compact JSON in UTF-8.

Those of a run may have `PARAMETER_BYTES`: what is over this is kept in S3.
"""

MAX_DEPTH = 100
"""Deeper values would exhaust the stack of what walks them."""


def merge_defaults(deployment: Mapping[str, object], run: Mapping[str, object]) -> dict[str, object]:
    """The parameters of a run: those of its deployment, replaced one by one by the run's own."""
    return {**deployment, **run}


def of_run(
    schema: Mapping[str, object] | None,
    deployment: Mapping[str, object],
    given: Mapping[str, object],
    *,
    enforce: bool,
) -> dict[str, object]:
    """The parameters of a new run: merged, measured and checked.

    Raises:
        TooLarge: over `PARAMETER_BYTES`.
        Invalid: `errors` names each mistake under `parameters`. What concerns secrets is checked in any case.
    """
    values = merge_defaults(deployment, given)
    check_size(values, "parameters", PARAMETER_BYTES)
    secrets.check(schema, values, "parameters")
    if enforce:
        _fit(schema, values)
    return values


def validate(
    schema: Mapping[str, object] | None, parameters: Mapping[str, object], path: str = "parameters"
) -> None:
    """Check the parameters of a run against its deployment's schema. No schema allows everything.

    Raises:
        TooLarge: over `MAX_BYTES`.
        Invalid: `errors` names each mistake under `path`.
    """
    check_size(parameters, path)
    _fit(schema, parameters, path)


def _fit(
    schema: Mapping[str, object] | None, parameters: Mapping[str, object], path: str = "parameters"
) -> None:
    problems = json_schema.problems(schema, parameters, path) if schema else []
    if problems:
        raise refusal(problems, "The parameters do not fit the flow")


def validate_given(schema: Mapping[str, object] | None, parameters: Mapping[str, object]) -> None:
    """Check a deployment's own parameters: a run may add those that are required. Raises as `validate`."""
    if schema and parameters:
        validate({name: rule for name, rule in schema.items() if name != "required"}, parameters)


def check_schema(schema: Mapping[str, object], *, path: str = "parameter_openapi_schema") -> None:
    """Check a schema itself, when it is deployed.

    Raises:
        TooLarge: over `MAX_BYTES`.
        Invalid: not a JSON schema of an object, or one that refers to something outside of itself.
    """
    check_size(schema, path)
    problems = json_schema.schema_problems(schema, path)
    if problems:
        raise refusal(problems, "The schema is wrong")


def check_size(value: Mapping[str, object], path: str, limit: int = MAX_BYTES) -> int:
    """The size of a JSON object in bytes.

    Raises:
        TooLarge: over `limit`.
        Invalid: it is not JSON.
    """
    if _is_deeper(value, MAX_DEPTH):
        problem = FieldProblem(path, "is nested too deeply", f"at most {MAX_DEPTH} levels")
        raise refusal([problem], "Too deep")
    try:
        size = len(json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode())
    except (TypeError, ValueError) as error:
        problem = FieldProblem(path, f"is not JSON: {error}", "a JSON object")
        raise refusal([problem], "Not JSON") from None
    if size > limit:
        raise TooLarge(
            f"{path} has {size} bytes; at most {limit} are allowed",
            hint="Put the data where the worker can read it, and pass its address.",
            errors=[FieldProblem(path, f"has {size} bytes", f"at most {limit} bytes")],
        )
    return size


def refusal(problems: list[FieldProblem], headline: str) -> Invalid:
    """One error for all problems, with the first one in its message."""
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    hint = f"Expected {first.expected} at {first.path}." if first.expected else None
    return Invalid(f"{headline}: {first.path} {first.message}{more}", hint=hint, errors=problems)


def _is_deeper(value: object, depth: int) -> bool:
    level: list[Any] = [value]
    for _ in range(depth + 1):
        members = [part.values() if isinstance(part, dict) else part for part in level]
        level = [item for part in members for item in part if isinstance(item, (dict, list))]
        if not level:
            return False
    return True
