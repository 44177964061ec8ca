"""Reads `key=value` pairs and JSON from the command line into parameters and job variables."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from headrace.cli.errors import BadUsage

MISSING = object()
_MOST_NESTED = 50
"""A schema may refer to itself without end."""
_MOST_CHOICES = 3
"""Choices within choices."""


def split_pairs(pairs: Iterable[str], option: str) -> dict[str, str]:
    """Split each `key=value` at its first equals sign; a key may be given once."""
    found: dict[str, str] = {}
    for pair in pairs:
        key, sign, text = pair.partition("=")
        if not sign or not key.strip():
            raise BadUsage(
                f"{option}: {pair!r} is not of the form key=value.", f"Write it like {option} name=value."
            )
        if key.strip() in found:
            raise BadUsage(f"{option}: {key.strip()!r} is given twice.", "Leave one of them out.")
        found[key.strip()] = text
    return found


def read_pairs(pairs: Iterable[str], option: str, schema: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Read values as JSON where they parse, as text otherwise and where the schema says string."""
    texts = split_pairs(pairs, option)
    return {key: read_for(schema, key, text) for key, text in texts.items()}


def read_for(schema: Mapping[str, Any] | None, key: str, text: str) -> Any:
    """One value as the schema wants it: `env:NAME` is a reference where it says secret."""
    from headrace.contract.secrets import REFERENCE

    if wants_secret(schema, key) and REFERENCE.fullmatch(text):
        return {"$secret": text}
    value = read_value(text, wants_text(schema, key))
    kinds = _kinds(schema, _entry(schema, key))
    if isinstance(value, float) and any(kind.get("format") == "decimal" for kind in kinds):
        return text  # with all its digits, which a float does not have
    choices = [choice for kind in kinds for choice in kind.get("enum", ())]
    return text if text in choices and value not in choices else value


def read_value(text: str, as_text: bool = False) -> Any:
    """One value: `3`, `true`, `[1, 2]` are JSON, all else is text."""
    if as_text:
        return text
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except ValueError:
        return text


def _refuse_constant(name: str) -> NoReturn:
    """`NaN` and `Infinity` are no JSON: let them be text."""
    raise ValueError(name)


def wants_text(schema: Mapping[str, Any] | None, key: str) -> bool:
    """Whether a parameter schema says that this parameter is a string (or a string or nothing)."""
    types = [kind.get("type") for kind in _kinds(schema, _entry(schema, key))]
    return "string" in types and all(kind in ("string", "null") for kind in types)


def _kinds(schema: Mapping[str, Any] | None, rule: object, depth: int = 0) -> list[Mapping[str, Any]]:
    """What a rule allows, each by itself: a rule that is no choice is the only one."""
    rule = resolved(schema, rule)
    inner = rule.get("anyOf", ()) if depth < _MOST_CHOICES else ()
    return [kind for one in inner for kind in _kinds(schema, one, depth + 1)] or [rule]


def resolved(schema: Mapping[str, Any] | None, rule: object) -> Mapping[str, Any]:
    """A rule of a schema itself, or the one that it refers to; what is no object rules nothing."""
    from headrace.contract.secrets import part_of

    for _ in range(_MOST_NESTED):
        target = rule.get("$ref") if isinstance(rule, Mapping) else None
        if not isinstance(target, str):
            break
        rule = part_of(schema or {}, target)
    return rule if isinstance(rule, Mapping) else {}


def wants_secret(schema: Mapping[str, Any] | None, key: str) -> bool:
    """Whether a parameter schema says that this parameter is a secret: then `env:NAME` is a reference."""
    from headrace.contract.secrets import marks

    return marks(_entry(schema, key))


def _entry(schema: Mapping[str, Any] | None, key: str) -> object:
    """What a parameter schema says of this parameter, or of any that it does not name."""
    named = (schema or {}).get("properties") or {}
    return named.get(key, (schema or {}).get("additionalProperties"))


def read_object(text: str, option: str) -> dict[str, Any]:
    """Read a JSON object."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except ValueError as error:
        place = (
            f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        )
        raise BadUsage(
            f"{option} is not JSON{place}.", f"Write it like {option} '{{\"name\": 1}}'."
        ) from None
    if not isinstance(value, dict):
        raise BadUsage(
            f"{option} must be a JSON object, not {_kind(value)}.", "Write it like '{\"name\": 1}'."
        )
    return value


def read_object_file(path: Path | None, option: str) -> dict[str, Any] | None:
    """Read a JSON object from a file; nothing when no file is named."""
    return None if path is None else read_object(_text(path, option), f"{option}: {path}")


def params_text(value: str | None) -> str | None:
    """What `--params` means: itself, the text of the file in `@FILE`, or with `-` what standard input has."""
    if value == "-":
        try:
            return sys.stdin.buffer.read().decode()
        except UnicodeDecodeError:
            raise BadUsage("--params: standard input is not UTF-8 text.") from None
    return _text(Path(value[1:]).expanduser(), "--params") if value and value.startswith("@") else value


def _text(path: Path, option: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise BadUsage(f"{option}: cannot read {path}: {reason}.") from None


def quote(text: str) -> str:
    """Write a word so that a shell takes it as one."""
    return shlex.quote(text)


def _kind(value: object) -> str:
    kinds = {list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")


def merge_parameters(
    params: str | None, pairs: Iterable[str], schema: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The object of `--params`, with each `--param` over it. A secret itself is refused, and not repeated."""
    from headrace.project.plain_secrets import HOW, NOT_TAKEN, plain_secrets

    base = read_object(params, "--params") if params is not None else {}
    merged = base | read_pairs(pairs, "--param", schema)
    if plain := plain_secrets(schema, merged):
        raise BadUsage(f"{plain[0]} {NOT_TAKEN}", HOW)
    return merged


def read_job_variables(pairs: Iterable[str]) -> dict[str, Any]:
    """The job variables given; what means to be a reference to a secret must be one."""
    from headrace.project.plain_secrets import HOW, NOT_TAKEN, wrong_references

    found = read_pairs(pairs, "--job-variable")
    if wrong := wrong_references(found, "job_variables"):
        raise BadUsage(f"{wrong[0]} {NOT_TAKEN}", HOW)
    return found
