"""Newline-delimited JSON: putting messages into lines and cutting a stream into lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

Message = dict[str, Any]


def encode(message: Message) -> bytes:
    """One message as a line."""
    return (
        json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
        + b"\n"
    )


def decode(line: bytes) -> Message:
    """The message of a line.

    Raises:
        ValueError: It is no JSON object, or one that is nested deeper than can be read.
    """
    try:
        value = json.loads(line.decode("utf-8", "surrogatepass"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("a message must be a JSON object")  # noqa: TRY004 - one error for all bad lines
    return value


class Lines:
    """Cuts a byte stream into lines without their ends; a line over `most` bytes comes out in pieces.

    None of the texts in `whole` is parted by such a cut.
    """

    def __init__(self, most: int, whole: Sequence[bytes] = ()) -> None:
        self._most = most
        self._whole = whole
        self._ahead = max(map(len, whole), default=0)
        self._rest = bytearray()
        self._seen = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completed."""
        self._rest += data
        lines: list[bytes] = []
        start = 0
        while (end := self._rest.find(b"\n", max(start, self._seen))) >= 0:
            lines.extend(self._pieces(self._rest[start:end]))
            start = end + 1
        del self._rest[:start]
        while len(self._rest) > self._most + self._ahead:
            at = self._cut(self._rest)
            lines.append(bytes(self._rest[:at]))
            del self._rest[:at]
        self._seen = len(self._rest)
        return lines

    def close(self) -> list[bytes]:
        """The last line, if it had no end."""
        rest, self._rest, self._seen = self._rest, bytearray(), 0
        return self._pieces(rest) if rest else []

    def _pieces(self, line: bytearray) -> list[bytes]:
        pieces: list[bytes] = []
        while len(line) > self._most:
            at = self._cut(line)
            pieces.append(bytes(line[:at]))
            del line[:at]
        return [*pieces, bytes(line)] if line or not pieces else pieces

    def _cut(self, line: bytearray) -> int:
        """Where to cut: before a text that would be parted, or behind it where it is the first there."""
        at = self._most
        while True:
            parted = (
                (text, line.find(text, max(0, at - len(text) + 1), at + len(text) - 1))
                for text in self._whole
            )
            text, start = next((found for found in parted if found[1] >= 0), (b"", at))
            if start == 0:
                return len(text)
            if start == at:
                return at
            at = start
