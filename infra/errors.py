"""What can go wrong between here and an account."""

from __future__ import annotations


class CloudError(Exception):
    """An expected failure: what is wrong, and what to do next."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NothingThereError(CloudError):
    """There is nothing of the stage that was to be removed."""
