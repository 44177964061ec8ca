"""Values for the flow's parameters, from its schema."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from headrace.cli.output import note
from headrace.cli.values import read_for, wants_secret
from headrace.cli.wizard.ask import confirm, text
from headrace.cli.wizard.fitting import kind_of
from headrace.project.plain_secrets import HOW, plain_secrets
from headrace.secret import reference_in

Misfit = Callable[[Mapping[str, Any], str, object], str | None]
"""Why the value of the parameter of this name does not fit the schema; None if it does."""


def ask_parameters(
    schema: Mapping[str, Any], given: Mapping[str, Any], present: Mapping[str, Any], misfit: Misfit
) -> dict[str, Any]:
    """The parameters given, with those that were answered. Each may be left to the runs.

    `present` are those that the deployment has now: they stay, unless another value is answered.
    """
    known = schema.get("properties") or {}
    values = {**_still_known(schema, present, misfit), **given}
    open_ = [name for name in known if name not in given]
    required = [name for name in open_ if name in schema.get("required", ())]
    for name in required:
        empty = "" if name in values else ", no default (empty: each run gives it)"
        _ask(schema, name, f"Parameter {_title(name, schema)}{empty}:", values, misfit)
    rest = [name for name in open_ if name not in required]
    if rest and confirm(f"Change defaults of the parameters ({_listed(rest, values)})?", default=False):
        for name in rest:
            _ask(schema, name, f"Parameter {_title(name, schema)}:", values, misfit)
    return values


def _still_known(schema: Mapping[str, Any], present: Mapping[str, Any], misfit: Misfit) -> dict[str, Any]:
    """What the flow still takes as it is; what it does not is told."""
    known = schema.get("properties") or {}
    kept = {}
    for name, value in present.items():
        if known and name not in known and not schema.get("additionalProperties"):
            note(f"Its parameter {name!r} is left out: the flow has none of that name any more.")
        elif reason := misfit(schema, name, value):
            note(f"Its parameter {name!r} is left out: {reason}.")
        else:
            kept[name] = value
    return kept


def _ask(schema: Mapping[str, Any], name: str, question: str, values: dict[str, Any], misfit: Misfit) -> None:
    """Ask for one; what is answered goes into the values, unless it is what the parameter has already."""
    present = values.get(name, schema["properties"][name].get("default"))
    before = _shown(present, schema, name)
    line = text(question, before, partial(_check, schema, name, misfit))
    if line and line != before:
        values[name] = read_for(schema, name, line)


def _listed(names: list[str], values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={json.dumps(values[name])}" if name in values else name for name in names)


def _title(name: str, schema: Mapping[str, Any]) -> str:
    if wants_secret(schema, name):
        return f"{name} (where workers find the secret: env:NAME, ssm:/path or secretsmanager:ARN)"
    kind = kind_of(schema, schema["properties"][name])
    return f"{name} ({kind})" if kind else name


def _shown(value: Any, schema: Mapping[str, Any], name: str) -> str:
    if value is None:
        return ""
    for plain in (value, reference_in(value)):
        if isinstance(plain, str) and read_for(schema, name, plain) == value:
            return plain
    return json.dumps(value, ensure_ascii=False)


def _check(schema: Mapping[str, Any], name: str, misfit: Misfit, line: str) -> None:
    """Refuse what does not fit, while it can be corrected."""
    rule = schema["properties"][name]
    value = read_for(schema, name, line)
    if line and plain_secrets(schema, {name: value}):
        raise ValueError(f"a secret itself is not taken. {HOW}")
    if line and value != rule.get("default") and (reason := misfit(schema, name, value)):
        raise ValueError(reason)
