"""Base job templates of work pools: a job configuration with placeholders, and its variables' schema."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from chalicelib.domain import json_schema, secrets
from chalicelib.domain.errors import FieldProblem, Invalid, TooLarge
from chalicelib.domain.job_template_defaults import DEFAULTS
from chalicelib.domain.parameters import check_schema, check_size, refusal

Json = dict[str, object]

_TEMPLATE, _VARIABLES = "base_job_template", "job_variables"
"""Where mistakes are: members of the request."""
_PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MAX_PLACEHOLDERS = 200
"""Bounds what a template can swell to: each placeholder may bring in 100 KB."""


class _Missing:
    """The value of a placeholder that nobody gave one."""


_MISSING = _Missing()


def default_template(pool_type: str) -> Json:
    """The template of a pool that brings none.

    Raises:
        Invalid: there is none for this type of pool.
    """
    if pool_type not in DEFAULTS:
        known = ", ".join(DEFAULTS)
        problem = FieldProblem("type", f"{pool_type!r:.100} has no default job template", f"one of {known}")
        raise refusal([problem], "The pool needs a base job template")
    return DEFAULTS[pool_type]()


def effective(template: Mapping[str, object], pool_type: str = "process") -> Json:
    """The template that a pool uses: its own, or its type's default if its own is empty."""
    return dict(template) or default_template(pool_type)


def check_template(template: Mapping[str, object]) -> None:
    """Check a template given by a user; an empty one stands for the default and is right.

    Raises:
        TooLarge: over 100 KB.
        Invalid: a part is missing or of the wrong kind, or a placeholder names no variable.
    """
    if not template:
        return
    check_size(template, _TEMPLATE)
    problems = [
        FieldProblem(
            f"{_TEMPLATE}.{part}", "is missing" if part not in template else "is not an object", "an object"
        )
        for part in ("job_configuration", "variables")
        if not isinstance(template.get(part), dict)
    ]
    if problems:
        raise refusal(problems, "The job template is wrong")
    check_schema(_schema(template), path=f"{_TEMPLATE}.variables")
    problems = list(_placeholder_problems(template))
    if problems:
        raise refusal(problems[: json_schema.MAX_PROBLEMS], "The job template is wrong")


def check_variables(
    template: Mapping[str, object],
    variables: Mapping[str, object],
    *,
    complete: bool = False,
) -> None:
    """Check values for a template's variables: names and types; with `complete`, also that none is missing.

    Raises:
        TooLarge: over 100 KB.
        Invalid: `errors` names each mistake under `job_variables`.
    """
    check_size(variables, _VARIABLES)
    secrets.refuse_wrong_references(variables, _VARIABLES)
    schema = {"additionalProperties": False, **_schema(template)}
    if not complete:
        schema.pop("required", None)
    problems = json_schema.problems(schema, variables, _VARIABLES)
    if problems:
        raise refusal(problems, "The job variables do not fit the work pool")


def misfit(template: Mapping[str, object], *overrides: Mapping[str, object]) -> str | None:
    """Why values no longer fit a template that was changed after they were checked, if so."""
    values = _defaults(template)
    for override in overrides:
        values.update({name: _merged(name, values.get(name), value) for name, value in override.items()})
    try:
        check_variables(template, values, complete=True)
    except (Invalid, TooLarge) as error:
        return error.message
    return None


def render(template: Mapping[str, object], *overrides: Mapping[str, object]) -> Json:
    """The job configuration with its placeholders replaced.

    Values come from the defaults of the variables, then from each of `overrides` (the deployment's job
    variables, then the run's). Objects named `env` are merged, later members winning; all else is
    replaced. A text that is one placeholder takes the value with its type, and is dropped with its key if
    there is no value; within a longer text, a placeholder without value leaves nothing behind. A value
    of null is a value.
    """
    values = _defaults(template)
    for override in overrides:
        values.update({name: _merged(name, values.get(name), value) for name, value in override.items()})
    rendered = _rendered(template["job_configuration"], values)
    if not isinstance(rendered, dict):
        raise Invalid("base_job_template.job_configuration is not an object")
    return rendered


def places(template: Mapping[str, object], variable: str) -> list[str]:
    """Where a template's job configuration uses a variable, as dotted paths in it such as `env.PATH`."""
    texts = _texts(template.get("job_configuration"), "")
    return [path.removeprefix(".") for path, text in texts if variable in _PLACEHOLDER.findall(text)]


def _defaults(template: Mapping[str, object]) -> Json:
    properties = _schema(template).get("properties")
    members = properties.items() if isinstance(properties, dict) else ()
    return {
        name: schema["default"]
        for name, schema in members
        if isinstance(schema, dict) and "default" in schema
    }


def _merged(name: str, below: object, above: object) -> object:
    if name == "env" and isinstance(below, dict) and isinstance(above, dict):
        return {**below, **above}
    return above


def _rendered(part: object, values: Mapping[str, object]) -> object:
    if isinstance(part, str):
        whole = _PLACEHOLDER.fullmatch(part)
        if whole:
            return values.get(whole[1], _MISSING)
        return _PLACEHOLDER.sub(lambda found: str(values.get(found[1], "")), part)
    if isinstance(part, dict):
        members = {name: _rendered(member, values) for name, member in part.items()}
        return {name: member for name, member in members.items() if member is not _MISSING}
    if isinstance(part, list):
        return [item for item in (_rendered(member, values) for member in part) if item is not _MISSING]
    return part


def _schema(template: Mapping[str, object]) -> Json:
    variables = template.get("variables")
    return dict(variables) if isinstance(variables, dict) else {}


def _placeholder_problems(template: Mapping[str, object]) -> Iterator[FieldProblem]:
    properties = _schema(template).get("properties")
    known = set(properties) if isinstance(properties, dict) else set()
    texts = list(_texts(template["job_configuration"], f"{_TEMPLATE}.job_configuration"))
    found = [(where, name) for where, text in texts for name in _PLACEHOLDER.findall(text)]
    if len(found) > _MAX_PLACEHOLDERS:
        yield FieldProblem(_TEMPLATE, f"has {len(found)} placeholders", f"at most {_MAX_PLACEHOLDERS}")
    expected = "one of " + ", ".join(sorted(known)) if known else "no placeholders"
    for where, name in found:
        if not _NAME.fullmatch(name):
            yield FieldProblem(where, f"has {name!r:.100} between braces, which is no name", expected)
        elif name not in known:
            yield FieldProblem(where, f"names {name!r:.100}, which is not among the variables", expected)


def _texts(part: object, path: str) -> Iterator[tuple[str, str]]:
    """All texts of a configuration with their paths."""
    if isinstance(part, str):
        yield path, part
    elif isinstance(part, (dict, list)):
        members = part.items() if isinstance(part, dict) else enumerate(part)
        for name, member in members:
            yield from _texts(member, f"{path}.{name}")
