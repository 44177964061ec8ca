"""Everything that can be wrong, as values.

HeadraceError
├── NotFound      no such thing
├── Conflict      it exists already, or is in another state than the request supposes
│   └── WrongState   a transition that the table of states does not have
├── Invalid       the request cannot be understood; names each field
├── TooLarge      over a stated size
├── Unauthenticated   no API key, or none of ours
├── Forbidden     not allowed here
└── Unavailable   try again: somebody else was faster, or AWS is busy

Each has a stable `code` for programs, a message for people, and a hint that says what to do next.
`chalicelib/api/endpoint.py` turns the class into an HTTP status; nothing else does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing wrong: where (a dotted path), what, and what was expected there."""

    path: str
    message: str
    expected: str | None = None


class HeadraceError(Exception):
    """The root; raised only through its subclasses."""

    default_code = "error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        hint: str | None = None,
        errors: Sequence[FieldProblem] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.hint = hint
        self.errors = tuple(errors)


class NotFound(HeadraceError):
    """No such thing."""

    default_code = "not_found"


class Conflict(HeadraceError):
    """It exists already, or something else stands in the way."""

    default_code = "conflict"


class WrongState(Conflict):
    """The run is in a state from which it cannot go where it was told to."""

    default_code = "wrong_state"


class Invalid(HeadraceError):
    """The request cannot be understood."""

    default_code = "invalid"


class TooLarge(HeadraceError):
    """Over a stated size."""

    default_code = "too_large"


class Unauthenticated(HeadraceError):
    """No API key, or none that this control plane knows."""

    default_code = "unknown_key"


class Forbidden(HeadraceError):
    """Not allowed here."""

    default_code = "forbidden"


class Unavailable(HeadraceError):
    """Nothing was changed; the same request may succeed in a moment."""

    default_code = "unavailable"
