"""What is wrong with a code source."""

from __future__ import annotations


class SourceError(Exception):
    """The code cannot be made ready; the message says what is wrong and how to mend it.

    Attributes:
        output: The end of what a failing command printed, secrets taken out.
        hint: What to do next, where the message does not say it.
    """

    def __init__(self, message: str, *, output: str = "", hint: str | None = None) -> None:
        super().__init__(message)
        self.output = output
        self.hint = hint
