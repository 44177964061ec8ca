"""`Secret`: a parameter that the control plane never sees. It stores where the secret is; the worker reads it.

    @flow
    def load(password: Secret) -> None:
        connect(password=password.get())

A run's parameter is then a reference, `{"$secret": "env:NAME"}`, `{"$secret": "ssm:/path"}` or
`{"$secret": "secretsmanager:ARN"}`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

KEY = "$secret"
SCHEMA = {
    "type": "object",
    "properties": {KEY: {"type": "string", "pattern": "^(env|ssm|secretsmanager):"}},
    "required": [KEY],
    "additionalProperties": False,
    "format": "password",
    "writeOnly": True,
    "x-secret": True,
}
known: dict[str, str] = {}
"""What the worker has read for this run, by reference."""


class Secret:
    """A text that is not shown: printed, formatted or logged it is `***`. `get` gives it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        if not isinstance(value, str):
            raise TypeError(f"a secret is a text, got a {type(value).__name__}")
        self._value = value

    def get(self) -> str:
        """The secret itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __format__(self, how: str) -> str:
        return format("***", how)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


def read(value: Any) -> Secret:
    """The secret for a reference, or for the text that a direct call gives.

    Raises:
        ValueError: It is neither, or nobody here can read it.
    """
    if isinstance(value, Secret):
        return value
    if isinstance(value, str):
        return Secret(value)
    reference = reference_in(value)
    if reference is None:
        raise ValueError("no reference")
    if reference in known:
        return Secret(known[reference])
    kind, _, name = reference.partition(":")
    if kind == "env" and name in os.environ:  # a direct call, on the machine that has it
        return Secret(os.environ[name])
    raise ValueError("not readable here")


def filled(value: Any) -> Any:
    """A value with a `Secret` in the place of each reference that the worker has read."""
    if isinstance(value, list):
        return [filled(member) for member in value]
    if not isinstance(value, dict):
        return value
    if (reference := reference_in(value)) in known:
        return Secret(known[str(reference)])
    return {key: filled(member) for key, member in value.items()}


def reference_in(value: object) -> str | None:
    """`env:NAME` of `{"$secret": "env:NAME"}`; None for anything else."""
    if isinstance(value, Mapping) and set(value) == {KEY} and isinstance(value[KEY], str):
        return str(value[KEY])
    return None


def references_in(value: object) -> Iterator[str]:
    """All references in a value, at any depth."""
    if (reference := reference_in(value)) is not None:
        yield reference
    members = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for member in members:
        yield from references_in(member)
