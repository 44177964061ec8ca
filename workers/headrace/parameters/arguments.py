"""The values of one call: bound to names, checked and converted, and given back as arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from inspect import BoundArguments, signature
from inspect import Parameter as Given
from typing import Any, Self

from headrace.parameters.errors import Misfit, ParameterError, Problem
from headrace.parameters.signature import Parameter, parameters_of


class Arguments:
    """Values by parameter name: `*args` is a list under its own name, `**kwargs` stand under theirs."""

    def __init__(self, fn: Callable[..., Any], values: dict[str, Any]) -> None:
        self.fn = fn
        self.values = values

    @classmethod
    def of_call(cls, fn: Callable[..., Any], args: Iterable[Any], kwargs: Mapping[str, Any]) -> Self:
        """From the arguments of a call. Raises `TypeError`, as the call itself would."""
        made = signature(fn)
        values: dict[str, Any] = {}
        for name, value in made.bind(*args, **kwargs).arguments.items():
            kind = made.parameters[name].kind
            if kind is Given.VAR_KEYWORD:
                values.update(value)
            else:
                values[name] = list(value) if kind is Given.VAR_POSITIONAL else value
        return cls(fn, values)

    def as_call(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """As the arguments of a call. Raises `ParameterError` for one that the function does not have."""
        made = signature(self.fn)
        arguments: dict[str, Any] = {}
        rest = dict(self.values)
        for name, parameter in made.parameters.items():
            if parameter.kind is Given.VAR_KEYWORD:
                continue
            if name in rest:
                value = rest.pop(name)
                arguments[name] = tuple(value) if parameter.kind is Given.VAR_POSITIONAL else value
        for name, parameter in made.parameters.items():
            if parameter.kind is Given.VAR_KEYWORD:
                arguments[name], rest = rest, {}
        if rest:
            raise ParameterError("the flow", [((name,), "is not a parameter of it") for name in rest])
        bound = BoundArguments(made, arguments)
        bound.apply_defaults()
        return bound.args, bound.kwargs

    def validated(self, owner: str) -> Arguments:
        """The same with every value as its hint asks. Raises `ParameterError` with all that is wrong."""
        parameters = parameters_of(self.fn)
        named = {one.name: one for one in parameters if not one.is_kwargs}
        rest = next((one for one in parameters if one.is_kwargs), None)
        problems: list[Problem] = [
            ((one.name,), "is required")
            for one in parameters
            if one.is_required and one.name not in self.values
        ]
        values: dict[str, Any] = {}
        for name, value in self.values.items():
            parameter = named.get(name, rest)
            if parameter is None:
                problems.append(((name,), _unknown(name, named)))
                continue
            try:
                values[name] = parameter.kind.read(value)
            except Misfit as misfit:
                problems += misfit.under(name)
        if problems:
            raise ParameterError(owner, problems)
        return Arguments(self.fn, {**_filled_in(parameters), **values})


def _filled_in(parameters: Iterable[Parameter]) -> dict[str, Any]:
    return {one.name: one.default for one in parameters if one.fills_in}


def _unknown(name: str, named: Mapping[str, Parameter]) -> str:
    close = get_close_matches(name, named, n=1)
    if close:
        return f"is not a parameter of it; did you mean {close[0]!r}?"
    return f"is not a parameter of it (it has {', '.join(named)})" if named else "it takes no parameters"
