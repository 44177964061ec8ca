"""Answers of the services, and how moto's exceptions become them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from moto.core.exceptions import ServiceException
from werkzeug.exceptions import HTTPException

from headrace.local.aws.wire import encode

log = logging.getLogger("headrace.server")


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer of an AWS service."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/x-amz-json-1.0"})


def refusal(code: str, message: str, status: int = 400) -> Answer:
    """An error in the JSON protocol."""
    return Answer(status, encode({"__type": code, "message": message}))


def from_exception(error: Exception, action: str) -> Answer:
    """What AWS would say: moto's refusals as they are, everything else as a failure of ours, logged."""
    if isinstance(error, HTTPException):
        return Answer(error.code or 400, (error.description or "{}").encode())
    if isinstance(error, ServiceException):
        return refusal(error.code, error.message)
    log.error("%s failed inside the embedded control plane", action, exc_info=error)
    return refusal("InternalServerError", f"{action} failed: {error}", status=500)
