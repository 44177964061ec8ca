"""What the command line says when something is wrong: one or two lines, and an exit code."""

from __future__ import annotations

FAILURE = 1
USAGE = 2


class CliError(Exception):
    """An expected failure: what is wrong, what to do next, and the exit code."""

    def __init__(self, message: str, hint: str | None = None, code: int = FAILURE) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code


class BadUsage(CliError):
    """The command line itself is wrong: nothing was sent anywhere."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint, USAGE)
