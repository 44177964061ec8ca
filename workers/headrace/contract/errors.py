"""The body of every answer that is not a success."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from headrace.contract.base import PATTERNS, Answer

_AFTER = re.compile(r" after validation, not \d+$")
_SHOULD = re.compile(r"^\w+ should ")
_PATTERN = re.compile(r"String should match pattern '(.*)'", re.DOTALL)
_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is no member here",
    **dict.fromkeys(
        ("int_type", "int_parsing", "int_parsing_size", "int_from_float"), "must be a whole number"
    ),
    **dict.fromkeys(("float_type", "float_parsing"), "must be a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "must be true or false"),
    **dict.fromkeys(("dict_type", "model_type"), "must have members, as names and values"),
    **dict.fromkeys(("uuid_type", "uuid_parsing"), "must be a UUID"),
    "string_type": "must be a text",
    "list_type": "must be a list",
}
"""By the kind of a problem, where pydantic speaks of its own types."""


def wording(problem: Mapping[str, Any]) -> str:
    """One problem that pydantic found, in words of ours: they go on behind the name of the member."""
    if words := _WORDS.get(problem["type"]):
        return words
    said = _AFTER.sub("", str(problem["msg"]).removeprefix("Value error, "))
    if match := _PATTERN.fullmatch(said):
        return PATTERNS.get(match[1], f"must match the pattern {match[1]}")
    return _SHOULD.sub("must ", said)


class FieldError(Answer):
    """One thing wrong in a request: where (a dotted path), what, and the value's kind that was expected."""

    path: str
    message: str
    expected: str | None = None


class ErrorBody(Answer):
    """A stable `code` for programs, a `message` for people and a `hint` that says what to do next.

    `detail` repeats the message under the name that Prefect's clients show.
    """

    code: str
    message: str
    hint: str | None = None
    detail: str
    errors: list[FieldError] = Field(default_factory=list)
