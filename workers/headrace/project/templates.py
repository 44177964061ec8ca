r"""Fills `{{ env.NAME }}`, `{{ variable.NAME }}`, `{{ git.commit }}` and `{{ git.branch }}` into texts.

`\{{` stands for the braces.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from headrace.project.errors import Problem
from headrace.project.yamlfile import Place, YamlFile

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


def fill(text: str, values: Values) -> str:
    """One text with its templates filled in. Raises `Unfilled`."""
    return _PATTERN.sub(lambda m: "{{" if m.group(1) is None else values.look_up(m.group(1)), text)


def fill_all(
    file: YamlFile, values: Values, wanted: Callable[[Place], bool] = lambda _: True
) -> tuple[Any, list[Problem]]:
    """All texts of a file; where `wanted` says no, a template without a value is left as it stands."""
    problems: list[Problem] = []

    def walk(value: Any, place: Place) -> Any:
        if isinstance(value, dict):
            return {key: walk(inner, (*place, str(key))) for key, inner in value.items()}
        if isinstance(value, list):
            return [walk(inner, (*place, number)) for number, inner in enumerate(value)]
        if not isinstance(value, str):
            return value
        if _is_secret(place, value):
            problems.append(file.problem(place, STORED))
            return value
        try:
            alone = _VARIABLE.fullmatch(value)
            return values.variable(alone.group(1)) if alone else fill(value, values)
        except Unfilled as error:
            if wanted(place):
                problems.append(file.problem(place, str(error)))
            return value

    return walk(file.data, ()), problems
