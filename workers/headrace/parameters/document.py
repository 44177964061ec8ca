"""The JSON Schema of a function's parameters, in the shape that Prefect's clients and forms know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headrace.parameters.docstrings import parameter_descriptions
from headrace.parameters.kinds import Definitions, Schema
from headrace.parameters.signature import Parameter, parameters_of
from headrace.parameters.structures import REQUIRED, Field


def parameter_schema(fn: Callable[..., Any]) -> Schema:
    """The schema of the parameters: title, position, default and description of each, and the definitions.

    A default that JSON has no form for is left out; its parameter is not required all the same.
    """
    parameters = parameters_of(fn)
    definitions = Definitions()
    told = parameter_descriptions(getattr(fn, "__doc__", None) or "")
    named = [one for one in parameters if not one.is_kwargs]
    properties = {
        one.name: _property(one, position, told.get(one.name), definitions)
        for position, one in enumerate(named)
    }
    return {
        "title": "Parameters",
        "type": "object",
        "properties": properties,
        "required": [one.name for one in named if one.is_required],
        "additionalProperties": _others(parameters, definitions),
        "definitions": definitions.schemas,
    }


def _others(parameters: list[Parameter], definitions: Definitions) -> Schema | bool:
    """What any further parameter must be: as `**kwargs` is annotated, or there is none."""
    rest = next((one for one in parameters if one.is_kwargs), None)
    return False if rest is None else rest.kind.schema(definitions) or True


def _property(
    parameter: Parameter, position: int, description: str | None, definitions: Definitions
) -> Schema:
    default: object = [] if parameter.is_args else parameter.default
    schema = Field(parameter.name, parameter.kind, REQUIRED if parameter.is_required else default)
    written = schema.schema(definitions)
    written |= {"title": written.get("title", parameter.name), "position": position}
    return {**written, "description": description} if description else written
