"""Takes a run's secrets out of all that it says, before anything is kept or told."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from headrace.worker.keeper.wire import Message

SHOWN = "***"
LEAST = 4
"""Less of a secret than so many characters tells nothing."""
_CUT = re.compile(r"(\n?\.\.\.(?: \[cut: [\d,]+ \w+ in all\](?: \.\.\.\n)?)?)")
"""The marks of `engine.failures.shorten`, of `engine.records.cut` and of `reprlib`."""
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

    def whole(self) -> list[bytes]:
        """What no cut may part, or it would not be found."""
        return [text.encode("utf-8", "surrogatepass") for text in self._texts]

    def event(self, event: Message) -> Message:
        """An event of the engine's protocol."""
        return {key: _mapped(value, self._said) if key in _SAID else value for key, value in event.items()}

    def _said(self, text: str) -> str:
        """A text of an event: the engine, which knows no secret, may have cut it within one."""
        text = self.line(text)
        if "..." not in text:
            return text
        parts = _CUT.split(text)  # with the marks between what they part
        for at in range(0, len(parts), 2):
            if at > 0:
                parts[at] = self._without_end(parts[at])
            if at < len(parts) - 1:
                parts[at] = self._without_begin(parts[at])
        return "".join(parts)

    def _without_end(self, part: str) -> str:
        """Without the end of a secret at its begin."""
        length = max(_end_at_begin(text, part) for text in self._texts)
        return SHOWN + part[length:] if length else part

    def _without_begin(self, part: str) -> str:
        """Without the begin of a secret at its end."""
        length = max(_begin_at_end(text, part) for text in self._texts)
        return part[: len(part) - length] + SHOWN if length else part


def _end_at_begin(text: str, part: str) -> int:
    """How many characters of the end of `text` stand at the begin of `part`."""
    at = part.rfind(text[-LEAST:], 0, len(text) - 1)
    while at >= 0 and not text.endswith(part[: at + LEAST]):
        at = part.rfind(text[-LEAST:], 0, at + LEAST - 1)
    return at + LEAST if at >= 0 else 0


def _begin_at_end(text: str, part: str) -> int:
    """How many characters of the begin of `text` stand at the end of `part`."""
    at = part.find(text[:LEAST], max(0, len(part) - len(text) + 1))
    while at >= 0 and not text.startswith(part[at:]):
        at = part.find(text[:LEAST], at + 1)
    return len(part) - at if at >= 0 else 0


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_mapped(member, change) for member in value]
    if isinstance(value, dict):
        return {change(key): _mapped(member, change) for key, member in value.items()}
    return value
