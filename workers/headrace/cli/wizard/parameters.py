"""Values for the flow's parameters, from its schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from headrace.cli.values import read_for, wants_secret, wants_text
from headrace.cli.wizard.ask import confirm, text
from headrace.project.plain_secrets import HOW, plain_secrets

KINDS: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "string": (str,),
}


def ask_parameters(schema: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters given, with those that were answered. Each may be left to the runs."""
    values = dict(given)
    open_ = {name: entry for name, entry in (schema.get("properties") or {}).items() if name not in values}
    required = [name for name in open_ if name in schema.get("required", ())]
    for name in required:
        line = text(
            f"Parameter {_title(name, schema)}, no default (empty: each run gives it):",
            check=partial(_check, schema, name),
        )
        if line:
            values[name] = read_for(schema, name, line)
    rest = [name for name in open_ if name not in required]
    if rest and confirm(f"Change defaults of the parameters ({', '.join(rest)})?", default=False):
        for name in rest:
            before = _shown(open_[name].get("default"), schema, name)
            line = text(f"Parameter {_title(name, schema)}:", before, partial(_check, schema, name))
            if line and line != before:
                values[name] = read_for(schema, name, line)
    return values


def _title(name: str, schema: Mapping[str, Any]) -> str:
    if wants_secret(schema, name):
        return f"{name} (where workers find the secret: env:NAME, ssm:/path or secretsmanager:ARN)"
    entry = schema["properties"][name]
    return f"{name} ({entry['type']})" if isinstance(entry.get("type"), str) else name


def _shown(value: Any, schema: Mapping[str, Any], name: str) -> str:
    if value is None:
        return ""
    return (
        value
        if isinstance(value, str) and wants_text(schema, name)
        else json.dumps(value, ensure_ascii=False)
    )


def _check(schema: Mapping[str, Any], name: str, line: str) -> None:
    """Refuse what is plainly of another type; the control plane checks the rest."""
    entry = schema["properties"][name]
    value = read_for(schema, name, line)
    if line and plain_secrets(schema, {name: value}):
        raise ValueError(f"a secret itself is not taken. {HOW}")
    kinds = KINDS.get(str(entry.get("type")))
    if not line or kinds is None:
        return
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise ValueError(f"{line!r} is not of type {entry['type']}")
    if "enum" in entry and value not in entry["enum"]:
        raise ValueError(f"must be one of {', '.join(map(json.dumps, entry['enum']))}")
