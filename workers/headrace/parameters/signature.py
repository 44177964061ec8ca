"""The parameters in a function's signature, with their hints resolved."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter as Given
from inspect import signature
from typing import Any

from headrace.parameters import pydantic_hints
from headrace.parameters.hints import Kinds, hints_of
from headrace.parameters.kinds import Kind
from headrace.parameters.structures import REQUIRED


class Parameter:
    """One parameter. `fills_in`: its default must be put in by us, as the function has a marker there."""

    def __init__(self, given: Given, hint: Any, kinds: Kinds) -> None:
        self.name = given.name
        self.is_args = given.kind is Given.VAR_POSITIONAL
        self.is_kwargs = given.kind is Given.VAR_KEYWORD
        self.default: Any = REQUIRED if given.default is Given.empty else given.default
        self.fills_in = pydantic_hints.is_field(given.default)
        if self.fills_in:
            hint, field, has_default = pydantic_hints.unpack_field(hint, given.default)
            self.default = field.get_default(call_default_factory=True) if has_default else REQUIRED
            self.fills_in = has_default
        if self.is_args:
            hint = list[hint]
        self.kind: Kind = kinds.of(hint)

    @property
    def is_required(self) -> bool:
        """Whether a caller must give it."""
        return self.default is REQUIRED and not self.is_args and not self.is_kwargs


def parameters_of(fn: Callable[..., Any]) -> list[Parameter]:
    """The parameters of a function, in order."""
    hints = hints_of(_annotated(fn))
    kinds = Kinds()
    given = signature(fn).parameters.values()
    return [Parameter(one, hints.get(one.name, Any), kinds) for one in given]


def _annotated(fn: Any) -> Any:
    """What carries the hints: the function under a `partial`, or a callable object's `__call__`."""
    while hasattr(fn, "func"):
        fn = fn.func
    return fn if hasattr(fn, "__annotations__") or hasattr(fn, "__wrapped__") else type(fn).__call__
