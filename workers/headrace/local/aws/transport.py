"""Every AWS call of this process is answered here, before it becomes an HTTP request; none leaves."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import botocore
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.handlers import BUILTIN_HANDLERS

from headrace.local.aws.answers import Answer
from headrace.local.aws.services import Services

_UNSIGNED_SERVICES = ("dynamodb", "sqs")


class _Raw(BytesIO):
    """A body as botocore reads it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        if content := self.read():
            yield content


class Transport:
    """Hooks into all botocore sessions made from now on."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._handlers: list[tuple[Any, ...]] = [("before-send", self._answer)]
        # Nobody checks a signature here, and making one is a third of a call's cost.
        self._handlers += [(f"choose-signer.{service}", _unsigned) for service in _UNSIGNED_SERVICES]

    def install(self) -> None:
        """Answer calls in process."""
        BUILTIN_HANDLERS.extend(self._handlers)

    def remove(self) -> None:
        """Leave sessions made from now on alone."""
        for handler in self._handlers:
            BUILTIN_HANDLERS.remove(handler)

    def _answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        answer: Answer = self._services.answer(request.method, request.url, request.headers, request.body)
        return AWSResponse(request.url, answer.status, dict(answer.headers), _Raw(answer.body))


def _unsigned(**_: Any) -> Any:
    return botocore.UNSIGNED
