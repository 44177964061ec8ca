"""The body of every answer that is not a success."""

from __future__ import annotations

from pydantic import Field

from headrace.contract.base import Answer


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
