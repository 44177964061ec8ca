r"""Fills `{{ env.NAME }}`, `{{ variable.NAME }}`, `{{ git.commit }}` and `{{ git.branch }}` into texts.

`\{{` stands for the braces.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from headrace.project.errors import Problem
from headrace.project.secret_names import instead, secret_variable
from headrace.project.yamlfile import Place, YamlFile

KINDS = frozenset({"env", "git", "variable"})
_PATTERN = re.compile(r"\\\{\{|\{\{(.*?)\}\}", re.DOTALL)
_WORD = re.compile(r"(\w+)\.([\w-]+)")
_IN_ADDRESS = re.compile(r"://[^/@]*\{\{[^/]*@")
STORED = (
    "what a template gives is stored and shown: name the place where a worker finds the secret instead, "
    "credentials: {env: NAME}"
)
_VARIABLE = re.compile(r"\{\{\s*variable\.([\w-]+)\s*\}\}")
"""A text that is nothing but a variable takes its value as it is: a number stays one."""


class Unfilled(Exception):
    """A template that has no value; the message says why."""


@dataclass(frozen=True)
class Values:
    """Where templates get their values. Git is asked only when a template needs it."""

    environment: Mapping[str, str]
    git: Callable[[], Mapping[str, str | None]]
    variables: Callable[[str], object] | None = None

    def look_up(self, expression: str) -> str:
        """The value of what stands between the braces."""
        match = _WORD.fullmatch(expression.strip())
        kind, name = match.groups() if match else ("", "")
        if kind == "env":
            return self._environment(name)
        if kind == "git" and name in ("commit", "branch"):
            return self._git(name)
        if kind == "variable":
            value = self.variable(name)
            return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        raise Unfilled(
            f"{{{{ {expression.strip()} }}}} means nothing here: there are env.NAME, variable.NAME, git.commit and "
            "git.branch"
        )

    def variable(self, name: str) -> object:
        """The value of a variable of the control plane. Raises `Unfilled` if there is none."""
        if self.variables is None:
            raise Unfilled("variables are on the control plane, which is not asked here")
        try:
            return self.variables(name)
        except KeyError:
            raise Unfilled(
                f"the control plane has no variable {name!r}: make it, or correct its name"
            ) from None

    def _environment(self, name: str) -> str:
        if name not in self.environment:
            raise Unfilled(f"the environment has no {name}: set it before you deploy")
        return self.environment[name]

    def _git(self, name: str) -> str:
        value = self.git().get(name)
        if value is None:
            raise Unfilled(f"git knows no {name} here: deploy from a clone of a repository, on a branch")
        return value


def _is_secret(place: Place, text: str) -> bool:
    """Whether a template stands where only a secret can be meant."""
    if not any(match.group(1) is not None for match in _PATTERN.finditer(text)):
        return False
    if "credentials" in place or place[-1:] == ("access_token",):
        return True
    return place[-1:] == ("repository",) and _IN_ADDRESS.search(text) is not None


def fill(text: str, values: Values, left: Callable[[str], bool] = lambda _: False) -> str:
    """One text with its templates filled in, without those that are to be left. Raises `Unfilled`."""

    def filled(match: re.Match[str]) -> str:
        expression = match.group(1)
        if expression is None:
            return "{{"
        return match.group(0) if left(expression.strip()) else values.look_up(expression)

    if "{{" in _PATTERN.sub("", text):
        raise Unfilled("has {{ without }} behind it: close it, or write \\{{ for the braces themselves")
    return _PATTERN.sub(filled, text)


def fill_all(
    file: YamlFile, values: Values, wanted: Callable[[Place], bool] = lambda _: True
) -> tuple[Any, list[Problem]]:
    """All texts of a file; where `wanted` says no, a template without a value is left as it stands."""
    filling = _Filling(file, values, wanted)
    return filling.walk(file.data, (), frozenset()), filling.problems


class _Filling:
    """One walk through a file. `ids` are those of the pull steps so far: what they give, a worker fills in."""

    def __init__(self, file: YamlFile, values: Values, wanted: Callable[[Place], bool]) -> None:
        self._file = file
        self._values = values
        self._wanted = wanted
        self.problems: list[Problem] = []

    def walk(self, value: Any, place: Place, ids: frozenset[str]) -> Any:
        if isinstance(value, dict):
            return {key: self.walk(inner, (*place, str(key)), ids) for key, inner in value.items()}
        if isinstance(value, list):
            done = []
            for number, inner in enumerate(value):
                done.append(self.walk(inner, (*place, number), ids))
                ids |= _ids(inner) if place[-1:] == ("pull",) else frozenset()
            return done
        return self._text(value, place, ids) if isinstance(value, str) else value

    def _text(self, text: str, place: Place, ids: frozenset[str]) -> Any:
        if message := self._secret(text, place):
            self.problems.append(self._file.problem(place, message))
            return text
        try:
            alone = _VARIABLE.fullmatch(text)
            if alone:
                return self._values.variable(alone.group(1))
            return fill(text, self._values, lambda expression: expression.partition(".")[0] in ids)
        except Unfilled as error:
            told = dict.fromkeys([str(error), *self._unfilled(text, ids)])
            self.problems += [self._file.problem(place, each) for each in told if self._wanted(place)]
            return text

    def _unfilled(self, text: str, ids: frozenset[str]) -> Iterator[str]:
        """Why each of a text's templates has no value."""
        for match in _PATTERN.finditer(text):
            try:
                fill(match.group(), self._values, lambda expression: expression.partition(".")[0] in ids)
            except Unfilled as error:
                yield str(error)

    def _secret(self, text: str, place: Place) -> str | None:
        """Why what a template gives must not be stored there, if so."""
        if _is_secret(place, text):
            return STORED
        expressions = [found.group(1) for found in _PATTERN.finditer(text) if found.group(1) is not None]
        name = secret_variable(place, expressions, self._values.environment) if self._wanted(place) else None
        return name and instead(place, name)


def _ids(step: object) -> frozenset[str]:
    """The `id` of a step, unless it is a word that means something by itself."""
    options = next(iter(step.values()), None) if isinstance(step, dict) else None
    label = options.get("id") if isinstance(options, dict) else None
    return frozenset({label} if isinstance(label, str) else ()) - KINDS
