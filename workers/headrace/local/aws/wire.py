"""JSON as DynamoDB and SQS write it: binary values are base64 text on the wire and bytes inside moto."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any

_COMPACT = (",", ":")


def decode(body: bytes) -> Any:
    """Read a request body or a stored item; `{"B": text}` and `{"BS": [text]}` become bytes."""
    if b'"B"' in body or b'"BS"' in body:
        return json.loads(body, object_hook=_binary)
    return json.loads(body)


def encode(value: Any) -> bytes:
    """Write an answer or an item as compact JSON. moto's own values are understood wherever they stand."""
    return json.dumps(value, default=_plain, separators=_COMPACT).encode()


def _binary(node: dict[str, Any]) -> dict[str, Any]:
    if len(node) == 1:
        if isinstance(text := node.get("B"), str):
            return {"B": base64.b64decode(text)}
        if isinstance(texts := node.get("BS"), list):
            return {"BS": [base64.b64decode(text) for text in texts]}
    return node


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.timestamp()
    if hasattr(value, "type") and hasattr(value, "value"):
        return {value.type: value.value}
    raise TypeError(f"{type(value).__name__} has no form on the wire")
