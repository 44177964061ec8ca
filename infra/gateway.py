"""What API Gateway says by itself, in the words of our own errors (`headrace.contract.errors`).

They are part of the API's description, since each new description replaces all that was set beside it.
"""

from __future__ import annotations

import json
from typing import Any


def _body(code: str, message: str, hint: str | None) -> dict[str, str]:
    """One template; `$context` is filled in by API Gateway, the message string with quotes around it."""
    text = json.dumps({"code": code, "message": "@", "hint": hint, "detail": "@", "errors": []})
    return {"application/json": text.replace('"@"', message)}


RESPONSES: dict[str, dict[str, Any]] = {
    "MISSING_AUTHENTICATION_TOKEN": {
        "statusCode": "404",
        "responseTemplates": _body(
            "not_found",
            '"There is no $context.httpMethod route of this path."',
            "GET /api/openapi.json lists all routes.",
        ),
    },
    "DEFAULT_4XX": {"responseTemplates": _body("gateway", "$context.error.messageString", None)},
    "DEFAULT_5XX": {"responseTemplates": _body("gateway", "$context.error.messageString", None)},
}
"""By the kind of answer. The first is what an unknown route gets: a 404 here as anywhere else, not a 403."""
