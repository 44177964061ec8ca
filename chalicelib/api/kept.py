"""What is kept of a text or a result that is larger than an item of the table: a visible mark says so."""

from __future__ import annotations

import json

from headrace.contract.sizes import MESSAGE_BYTES

RESULT_BYTES = 300_000
"""An item holds 400 KB (AWS, DynamoDB limits); a result shares one with the error."""


def kept_message(message: str) -> str:
    """A log message, cut where it is too long."""
    data = message.encode()
    if len(data) <= MESSAGE_BYTES:
        return message
    return f"{data[:MESSAGE_BYTES].decode(errors='ignore')}... [cut: the message had {len(data)} bytes]"


def kept_result(result: object, message: str | None) -> tuple[object, str | None]:
    """A run's result, or none and a message that says why.

    Refusing the report would leave the run RUNNING for ever, over something that matters less.
    """
    size = len(json.dumps(result, ensure_ascii=False).encode())
    if size <= RESULT_BYTES:
        return result, message
    note = f"Its result of {size} bytes was not kept, at most {RESULT_BYTES} are: store it, and return its address."
    return None, f"{message} {note}" if message else note
