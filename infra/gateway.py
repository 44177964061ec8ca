"""What API Gateway says by itself, in the words of our own errors (`headrace.contract.errors`).

They are part of the API's description, since each new description replaces all that was set beside it. All texts are
fixed: API Gateway takes a key on a route that it does not know for a signature of AWS that is wrong, and its own
message then tells what came in the header.
"""

from __future__ import annotations

import json
from typing import Any


def _answer(status: int, code: str, message: str, hint: str | None = None) -> dict[str, Any]:
    body: dict[str, Any] = {"code": code, "message": message, "hint": hint, "detail": message, "errors": []}
    return {"statusCode": str(status), "responseTemplates": {"application/json": json.dumps(body)}}


_NO_ROUTE = _answer(
    404,
    "not_found",
    "There is no such route, or not with this method.",
    "GET /api/openapi.json lists all routes.",
)
_AWAY = "Try again in a moment; `headrace cloud logs` shows what the control plane says."
RESPONSES: dict[str, dict[str, Any]] = {
    "MISSING_AUTHENTICATION_TOKEN": _NO_ROUTE,
    "INVALID_SIGNATURE": _NO_ROUTE,
    "EXPIRED_TOKEN": _NO_ROUTE,
    "RESOURCE_NOT_FOUND": _NO_ROUTE,
    "DEFAULT_4XX": _NO_ROUTE,
    "ACCESS_DENIED": _answer(403, "gateway", "The API's resource policy does not let you in."),
    "BAD_REQUEST_BODY": _answer(400, "gateway", "API Gateway cannot read the request's body."),
    "BAD_REQUEST_PARAMETERS": _answer(400, "gateway", "API Gateway cannot read the request's parameters."),
    "REQUEST_TOO_LARGE": _answer(
        413,
        "too_large",
        "The request is larger than AWS carries: 6 MB, in which each quote and backslash counts twice.",
        "Send less at once, or compressed: POST .../create_flow_run/gzip takes application/gzip.",
    ),
    "THROTTLED": _answer(429, "gateway", "Too many requests at once.", "Try again in a moment."),
    "WAF_FILTERED": _answer(403, "gateway", "The firewall of the API does not let the request in."),
    "INTEGRATION_TIMEOUT": _answer(504, "gateway", "The control plane did not answer in time.", _AWAY),
    "DEFAULT_5XX": _answer(503, "gateway", "The control plane was not reached, or did not end well.", _AWAY),
}
"""By the kind of answer.

No route of ours asks API Gateway to judge who calls, so what is left to `DEFAULT_4XX` are routes that it does not know.
`DEFAULT_5XX`: a function that AWS has no place for (throttled) would be a 500, which tells nobody to try again.
"""
