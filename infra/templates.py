"""Reads the templates of this folder, and merges one into another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
Template = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    if suffix in ("Ref", "Condition"):
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)


def read(name: str) -> Template:
    """A template of this folder, its short forms written out as in JSON."""
    text = (HERE / name).read_text(encoding="utf-8")
    loaded: Template = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader with more tags
    return loaded


def merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> Template:
    """Both; where they differ, `over` wins. An intrinsic function or list is replaced as a whole."""
    merged = dict(under)
    for key, value in over.items():
        old = merged.get(key)
        if _is_plain(old) and _is_plain(value):
            value = merge(old or {}, value)
        merged[key] = value
    return merged


def _is_plain(value: Any) -> bool:
    """A mapping that is no intrinsic function."""
    return isinstance(value, Mapping) and not (
        len(value) == 1 and next(iter(value)).startswith(("Fn::", "Ref"))
    )


def resolve(value: Any, given: Mapping[str, str]) -> Any:
    """A value with `Ref` and `Fn::Sub` of the given names filled in: to show it, and to compare."""
    if isinstance(value, list):
        return [resolve(each, given) for each in value]
    if not isinstance(value, Mapping):
        return value
    if set(value) == {"Ref"} and value["Ref"] in given:
        return given[value["Ref"]]
    if set(value) == {"Fn::Sub"} and isinstance(value["Fn::Sub"], str):
        text = value["Fn::Sub"]
        for name, replacement in given.items():
            text = text.replace(f"${{{name}}}", replacement)
        return text
    return {key: resolve(each, given) for key, each in value.items()}
