"""What a call to the API may raise: one class per kind of answer, each saying what to do next."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.contract.errors import FieldError


class ApiError(Exception):
    """The API answered with something else than success (`status` 0: it did not answer at all).

    Attributes:
        status: HTTP status, or 0.
        code: The error's stable name for programs.
        message: What is wrong, for people.
        hint: What to do next, if anybody knows.
        errors: The fields at fault.
        headers: The answer's headers, names in lower case.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        hint: str | None = None,
        errors: Sequence[FieldError] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.hint = hint
        self.errors = tuple(errors)
        self.headers = headers or {}

    def __str__(self) -> str:
        fields = "; ".join(
            f"{error.path}: {error.message}" for error in self.errors if error.message not in self.message
        )
        text = f"{self.message} ({fields})" if fields else self.message
        return f"{text}\n{self.hint}" if self.hint else text


class NotFound(ApiError):
    """404: no such thing."""


class Conflict(ApiError):
    """409: it exists already, or is in another state than the request supposes."""


class Invalid(ApiError):
    """400 or 422: the request cannot be understood."""


class TooLarge(ApiError):
    """413: over a stated size."""


class Unauthorized(ApiError):
    """401 or 403: the API key is missing, wrong, or may not do this."""


class Unreachable(ApiError):
    """No answer, or one that says to try again later, also after the retries."""


BY_STATUS: dict[int, type[ApiError]] = {
    400: Invalid,
    401: Unauthorized,
    403: Unauthorized,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    422: Invalid,
    429: Unreachable,
    502: Unreachable,
    503: Unreachable,
    504: Unreachable,
}
"""The class for each status; any other one is a plain `ApiError`."""
