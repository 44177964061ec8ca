"""Reads a YAML file into plain values, with the line of every member, and refuses what YAML takes silently."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from headrace.project.errors import FileProblems, Problem, ProjectError
from headrace.project.errors import Place as Place

LARGEST = 1024 * 1024
_MOST_MEMBERS = 100_000
"""Aliases of aliases make a small file endless."""


class _Loader(yaml.SafeLoader):
    """Plain values only; `2026-01-31` stays text, as it must in JSON."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:timestamp"]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class YamlFile:
    """Values of a file and where they stand."""

    name: str
    data: Any
    lines: dict[Place, int]
    text: str

    def line(self, place: Place) -> int:
        """The line of a member, or of the nearest one around it."""
        known = 0
        for end in range(len(place) + 1):
            if place[:end] not in self.lines:
                break
            known = self.lines[place[:end]]
        return known

    def problem(self, place: Place, message: str) -> Problem:
        """Something wrong at a member."""
        return Problem(self.line(place), ".".join(map(str, place)), message)


def read_yaml(path: Path) -> YamlFile:
    """Read a file of one document that is a mapping."""
    try:
        if path.stat().st_size > LARGEST:
            raise ProjectError(f"{path} is larger than {LARGEST // 1024} KB.", "Is it the right file?")
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ProjectError(f"{path} is not UTF-8 text.") from None
    except OSError as error:
        raise ProjectError(f"Cannot read {path}: {error.strerror}.") from None
    return parse_yaml(text, path.name)


def parse_yaml(text: str, name: str) -> YamlFile:
    """The same for text."""
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise FileProblems(name, [Problem(1, "", "must hold members like `name: my-project`")])
        doubled = [*_doubled(node, frozenset(), set())]
        if doubled:
            raise FileProblems(name, doubled)
        data = loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise FileProblems(name, [Problem(mark.line + 1 if mark else 0, "", _wording(error))]) from None
    except yaml.YAMLError as error:
        raise FileProblems(name, [Problem(0, "", " ".join(str(error).split()))]) from None
    except RecursionError:
        raise FileProblems(name, [Problem(1, "", "is nested too deeply")]) from None
    finally:
        loader.dispose()
    places = dict(islice(_places(node, ()), _MOST_MEMBERS + 1))
    if len(places) > _MOST_MEMBERS:
        raise FileProblems(name, [Problem(1, "", f"has more than {_MOST_MEMBERS} members, aliases counted")])
    return YamlFile(name, data, places, text)


def _wording(error: yaml.MarkedYAMLError) -> str:
    text = ", ".join(part for part in (error.context, error.problem) if part)
    if error.problem and "cannot start any token" in error.problem:
        return f"is no YAML: {text}. Indent with spaces, and quote text that begins with a sign"
    return f"is no YAML: {text}"


def _doubled(node: yaml.Node, above: frozenset[int], seen: set[int]) -> Iterator[Problem]:
    """Keys given twice, of which YAML would silently take the last; and what is an alias of itself."""
    if id(node) in above:
        yield Problem(node.start_mark.line + 1, "", "refers to itself")
    if id(node) in seen or not isinstance(node, yaml.CollectionNode):
        return
    seen.add(id(node))
    inner = [value for _, value in node.value] if isinstance(node, yaml.MappingNode) else node.value
    if isinstance(node, yaml.MappingNode):
        keys = Counter(str(key.value) for key, _ in node.value)
        for key, _ in reversed(node.value):
            if keys.pop(str(key.value), 1) > 1:
                yield Problem(key.start_mark.line + 1, str(key.value), "is given twice")
    for each in inner:
        yield from _doubled(each, above | {id(node)}, seen)


def _places(node: yaml.Node, place: Place) -> Iterator[tuple[Place, int]]:
    """Each member's place and line; a member of a mapping stands where its key does."""
    if not place:
        yield place, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner: Place = (*place, str(key.value))
            yield inner, key.start_mark.line + 1
            yield from _places(value, inner)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield (*place, number), value.start_mark.line + 1
            yield from _places(value, (*place, number))
