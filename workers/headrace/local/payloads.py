"""What a Lambda is given and gives at most: AWS refuses more, and so does the embedded gateway.

Request and answer each travel as one JSON document, and the body is a text in it: every quote and backslash of
the body counts twice, and a binary body as its base64. So a body of 4 MB may be too much.
"""

from __future__ import annotations

import json
from typing import Any

from chalice.local import LocalGateway, LocalGatewayException

from headrace.contract.errors import ErrorBody
from headrace.contract.sizes import PAYLOAD_BYTES

SURE = 500_000
"""Bytes or characters of a body that fit however they are written: at most twelve bytes stand for one."""


COMPRESS = "Send less at once, or compressed: POST .../create_flow_run/gzip takes application/gzip."
"""What to do, as `infra.gateway` has API Gateway say it."""


class RequestTooLong(LocalGatewayException):
    """The Lambda is not called."""

    CODE = 413


class AnswerTooLong(LocalGatewayException):
    """The Lambda did its work, and nobody hears of it."""

    CODE = 502


class PayloadGateway(LocalGateway):
    """Chalice's gateway, with the cloud's limit on the size of what goes in and comes out."""

    def handle_request(self, method: str, path: str, headers: Any, body: bytes | None) -> Any:
        """The answer. Raises `RequestTooLong`, `AnswerTooLong`, and what Chalice's raises."""
        answer = super().handle_request(method, path, headers, body)
        if len(answer.get("body") or "") > SURE and (size := answer_bytes(answer)) > PAYLOAD_BYTES:
            text = f"The answer of {method} {path.partition('?')[0]} has {size} bytes as a Lambda gives it"
            raise AnswerTooLong(*_said(f"{text}; {PAYLOAD_BYTES} are allowed.", "Ask for less at once."))
        return answer

    def _generate_lambda_event(self, method: str, path: str, headers: Any, body: bytes | None) -> Any:
        event = super()._generate_lambda_event(method, path, headers, body)
        if len(body or b"") > SURE and (size := event_bytes(event)) > PAYLOAD_BYTES:
            text = f"The request has {size} bytes as a Lambda takes it; {PAYLOAD_BYTES} are allowed."
            raise RequestTooLong(*_said(text, COMPRESS))
        return event


def event_bytes(event: Any) -> int:
    """The size of an event: API Gateway writes UTF-8."""
    body = event["body"]
    text = body.decode(errors="replace") if isinstance(body, bytes) else body
    return len(json.dumps({**event, "body": text}, ensure_ascii=False).encode())


def answer_bytes(answer: Any) -> int:
    """The size of an answer: the runtimes up to Python 3.11 write ASCII, and no one writes more."""
    return len(json.dumps({**answer, "body": str(answer["body"])}))


def _said(message: str, hint: str) -> tuple[dict[str, str], bytes]:
    body = ErrorBody(code="too_large", message=message, hint=hint, detail=message)
    return {"Content-Type": "application/json"}, body.model_dump_json().encode()
