"""Writes `headrace.yaml`: a new one by a recipe, or one more deployment into one that people wrote by hand."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from headrace.project.errors import ProjectError
from headrace.project.sources import PREFIX

SCHEMA = "headrace.schema.json"
HEADER = f"# yaml-language-server: $schema={SCHEMA}\n"
"""Turns completion on in editors; the schema is written beside the file."""
RECIPES: dict[str, list[dict[str, Any]]] = {
    "git": [{PREFIX + "git_clone": {}}],
    "bundle": [{PREFIX + "pull_bundle": {}}],
    "local": [{PREFIX + "set_working_directory": {}}],
}
_SAYS = {
    "git": "Workers clone this repository; each deploy pins the commit that is checked out here.",
    "bundle": "`headrace deploy` packs this folder and uploads it; workers download it.",
    "local": "Workers on this machine run the flows in this very folder.",
}


def new_file(name: str, recipe: str) -> str:
    """A `headrace.yaml` without deployments."""
    pull = to_yaml({"pull": RECIPES[recipe]})
    return f"{HEADER}name: {to_yaml(name)}\n# {_SAYS[recipe]}\n{pull}\ndeployments: []\n"


def to_yaml(value: Any) -> str:
    """Plain values as block YAML, texts of several lines readable."""
    text: str = yaml.safe_dump(
        value, sort_keys=False, allow_unicode=True, width=100, default_flow_style=False
    )
    return text.removesuffix("...\n") if not isinstance(value, dict | list) else text


def with_deployment(text: str, entry: Mapping[str, Any]) -> str:
    """The file's text with one more deployment, or with the one of that name and entrypoint replaced.

    Everything else keeps its form, comments included.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if isinstance(root, yaml.MappingNode) and root.flow_style:
        raise ProjectError(
            "headrace.yaml is written in braces.", "Write its members one below the other, as `name: value`."
        )
    found = _member(root, "deployments")
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    if found is None:
        return "".join(lines) + "deployments:\n" + _item(entry, 2)
    key, value = found
    if not (isinstance(value, yaml.SequenceNode) and value.value):
        lines[key.start_mark.line : value.end_mark.line + 1] = ["deployments:\n", _item(entry, 2)]
        return "".join(lines)
    if value.flow_style:
        raise ProjectError(
            "The deployments of headrace.yaml are written on one line, in brackets.",
            "Write them one below the other, each after a dash.",
        )
    indent = value.start_mark.column
    same = [node for node in value.value if _is_same(node, entry)]
    begin, end = _extent(lines, same[0]) if same else (_end(lines, value),) * 2
    lines[begin:end] = [_item(entry, indent)]
    return "".join(lines)


def without_deployment(text: str, entry: Mapping[str, Any], before: str) -> str:
    """The file's text with that deployment as it was `before`, or without it if it was not there."""
    lines, old = text.splitlines(keepends=True), before.splitlines(keepends=True)
    place, known = _place(lines, text, entry), _place(old, before, entry)
    if place is None:
        return text
    begin, end = place
    lines[begin:end] = old[known[0] : known[1]] if known else []
    found = _member(yaml.compose("".join(lines), Loader=yaml.SafeLoader), "deployments")
    if found is not None and not found[1].value:
        key = found[0].start_mark.line
        lines[key] = "deployments: []\n"
    return "".join(lines)


def _place(lines: list[str], text: str, entry: Mapping[str, Any]) -> tuple[int, int] | None:
    """The lines of that deployment, the last one excluded."""
    found = _member(yaml.compose(text, Loader=yaml.SafeLoader), "deployments")
    nodes = found[1].value if found and isinstance(found[1], yaml.SequenceNode) else []
    same = [node for node in nodes if _is_same(node, entry)]
    return _extent(lines, same[0]) if same else None


def _member(node: yaml.Node | None, name: str) -> tuple[yaml.Node, yaml.Node] | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next(((key, value) for key, value in pairs if key.value == name), None)


def _is_same(node: yaml.Node, entry: Mapping[str, Any]) -> bool:
    found = {name: _member(node, name) for name in ("name", "entrypoint")}
    return all(str(entry.get(name)) == (str(one[1].value) if one else "None") for name, one in found.items())


def _extent(lines: list[str], node: yaml.Node) -> tuple[int, int]:
    return int(node.start_mark.line), _end(lines, node)


def _end(lines: list[str], node: yaml.Node) -> int:
    """The line after a block, without the empty lines and comments that belong to what follows."""
    last, column = int(node.end_mark.line), int(node.end_mark.column)
    # A block ends where the next thing begins: nothing of that line is the block's.
    is_outside = last >= len(lines) or not lines[last][:column].strip()
    end = last if is_outside else last + 1
    while end > node.start_mark.line + 1 and not lines[end - 1].partition("#")[0].strip():
        end -= 1
    return end


def _item(entry: Mapping[str, Any], indent: int) -> str:
    return textwrap.indent(to_yaml([dict(entry)]), " " * indent)


def write_safely(path: Path, text: str) -> None:
    """Replace a file whole or not at all."""
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_text(text, encoding="utf-8", newline="\n")
        os.replace(beside, path)  # noqa: PTH105 - the one call that replaces on Windows, too
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ProjectError(f"Cannot write {path}: {error.strerror}.") from None
