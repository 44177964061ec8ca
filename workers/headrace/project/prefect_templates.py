"""What stands in a `headrace.yaml` for the templates of a `prefect.yaml`; what nobody gives here is noted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from headrace.project.errors import Problem
from headrace.project.secret_names import names_a_secret
from headrace.project.yamlfile import Place, YamlFile

_TEMPLATE = re.compile(r"\{\{(.*?)\}\}")


class Templates:
    """Fills the values of the new file. `ids` are those of pull steps, whose output a worker fills in."""

    def __init__(self, file: YamlFile, ids: set[str]) -> None:
        self._file = file
        self._ids = ids
        self.notes: list[Problem] = []

    def fill(self, value: Any, place: Place = ()) -> Any:
        """All texts of a value of the new file, each with what stands for its templates."""
        if isinstance(value, dict):
            return {key: self.fill(inner, (*place, str(key))) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.fill(inner, (*place, number)) for number, inner in enumerate(value)]
        return self._text(value, place) if isinstance(value, str) else value

    def _text(self, text: str, place: Place) -> Any:
        expressions = [match.group(1).strip() for match in _TEMPLATE.finditer(text)]
        secrets = [expression for expression in expressions if _is_secret(expression, place)]
        for expression in expressions:
            if expression not in secrets and (message := self._meaning(expression)):
                self._note_each(expression, place, message)
        if secrets and _kind(place) in ("env", "parameters"):
            return self._reference(text, secrets, place)
        for expression in secrets:
            reference = f'{{$secret: "env:{_name_of(expression)}"}}'
            message = f"is a secret, and cannot stand in this text: let the worker read it, as {reference} below `env`"
            self._note_each(expression, place, f"{message} of the step or of job_variables")
        return _TEMPLATE.sub(_filled, text)

    def _reference(self, text: str, secrets: list[str], place: Place) -> dict[str, str]:
        """A reference stands for a whole value: of a text around a secret, the worker reads all."""
        variable = variable_of(text) or _environment_name(_member(place))
        whole = "" if variable_of(text) else ", to the whole text"
        message = f"set {variable} where the workers run{whole}: they read the secret there"
        if _kind(place) == "parameters":
            message += ", and the flow's parameter must be typed `Secret`"
        for expression in secrets:
            self._note_each(expression, place, message)
        return {"$secret": f"env:{variable}"}

    def _meaning(self, expression: str) -> str | None:
        """What a template stands for that nobody gives here."""
        first = expression.partition(".")[0]
        if expression.startswith("$") or first in self._ids:
            return None
        if expression.startswith("prefect.variables."):
            return f"make the variable: headrace variable set {expression.removeprefix('prefect.variables.')} VALUE"
        if expression.startswith("prefect.blocks."):
            return f"there are no blocks: set {_environment_name(expression)} where you deploy"
        return "steps that run before the deploy hand nothing on: write the value itself"

    def _note_each(self, expression: str, place: Place, message: str) -> None:
        """Note it at each line that has the template in such a place."""
        found = _occurrences(self._file.data, expression)
        alike = [each for each in found if _kind(each) == _kind(place)]
        lines = {self._file.line(each) for each in alike or found}
        self.notes += [Problem(line, expression, message) for line in lines]


def _occurrences(value: Any, expression: str, place: Place = ()) -> Iterator[Place]:
    """Where in the file a template stands."""
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, inner in members:
        yield from _occurrences(inner, expression, (*place, name))
    if isinstance(value, str) and any(each[1].strip() == expression for each in _TEMPLATE.finditer(value)):
        yield place


def _kind(place: Place) -> str:
    """What a place is for: variables of an environment, parameters, steps that run here, or another thing."""
    if not {"build", "push"}.isdisjoint(place):
        return "build"
    return next((kind for kind in ("env", "parameters") if kind in place), "")


def _member(place: Place) -> str:
    return next((part for part in reversed(place) if isinstance(part, str)), "")


def _is_secret(expression: str, place: Place) -> bool:
    """Whether a template would store a secret, were it filled in by the deploy."""
    if _kind(place) == "build":
        return False  # It is used here, and not stored.
    if expression.startswith("$"):
        return names_a_secret(expression[1:]) or (bool(_kind(place)) and names_a_secret(_member(place)))
    return expression.startswith("prefect.blocks.secret.")


def _filled(match: re.Match[str]) -> str:
    expression = match.group(1).strip()
    if expression.startswith("$"):
        return f"{{{{ env.{expression[1:]} }}}}"
    if expression.startswith("prefect.variables."):
        return "{{ variable." + expression.removeprefix("prefect.variables.") + " }}"
    if expression.startswith("prefect.blocks."):
        return "{{ env." + _environment_name(expression) + " }}"
    return match.group(0)


def _environment_name(expression: str) -> str:
    return re.sub(r"\W", "_", expression).upper()


def _name_of(expression: str) -> str:
    return expression[1:] if expression.startswith("$") else _environment_name(expression)


def variable_of(value: Any) -> str | None:
    """The variable of a worker's environment that stands for a text which is nothing but a block or a variable."""
    match = _TEMPLATE.fullmatch(value.strip()) if isinstance(value, str) else None
    expression = match.group(1).strip() if match else ""
    return _name_of(expression) if expression.startswith(("$", "prefect.blocks.")) else None
