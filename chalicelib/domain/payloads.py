"""How much of an answer a text takes. A Lambda gives 6 MB, as one JSON document with the body as a text in it."""

from __future__ import annotations

import json

MOST = 6_000_000
"""Bytes of a body: what is left of `PAYLOAD_BYTES` are the answer's headers."""
PAGE = 4_000_000
"""Bytes of one page of a list."""


def carried(text: str) -> int:
    """Bytes that a JSON text takes as part of a body: escaped once more, and in ASCII, as the runtime writes it."""
    if text.isascii():
        return len(text) + text.count('"') + text.count("\\") + 5 * text.count("\x7f")
    return len(json.dumps(text))
