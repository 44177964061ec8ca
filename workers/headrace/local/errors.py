"""What can keep the embedded control plane from starting."""

from __future__ import annotations


class StartError(Exception):
    """The server cannot start. The message says why, the hint what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint
