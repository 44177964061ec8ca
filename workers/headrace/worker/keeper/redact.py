"""Takes a run's secrets out of all that it says, before anything is kept or told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from headrace.worker.keeper.wire import Message

SHOWN = "***"
_SAID = ("message", "error", "result", "result_repr", "wanted")
"""Members of an event that the run's code fills; the others are the engine's own words."""


class Redaction:
    """`texts` are taken out, in this order. Without any, nothing is looked at."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to take out."""
        return bool(self._texts)

    def line(self, line: str) -> str:
        """A line of output."""
        for text in self._texts:
            line = line.replace(text, SHOWN)
        return line

    def event(self, event: Message) -> Message:
        """An event of the engine's protocol."""
        return {key: _mapped(value, self.line) if key in _SAID else value for key, value in event.items()}


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_mapped(member, change) for member in value]
    if isinstance(value, dict):
        return {change(key): _mapped(member, change) for key, member in value.items()}
    return value
