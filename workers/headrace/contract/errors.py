"""The body of every answer that is not a success."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from headrace.contract.base import Answer

_AFTER = re.compile(r" after validation, not \d+$")


def wording(problem: Mapping[str, Any]) -> str:
    """What pydantic says of one problem, without the words that are about pydantic itself."""
    return _AFTER.sub("", str(problem["msg"]).removeprefix("Value error, "))


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
