"""Requests to the addresses in S3 that the API hands out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx

from headrace.client.errors import ApiError, Unreachable
from headrace.client.transport import LOOPBACK, trust

SECONDS = 60.0
"""How long S3 may stay silent; the whole transfer may take longer."""
ATTEMPTS = 3


@contextmanager
def storage(url: str) -> Iterator[httpx.Client]:
    """A client of S3's own: the API's key must never go there. Raises `Unreachable`."""
    address = urlsplit(url)
    try:
        with httpx.Client(
            timeout=SECONDS, verify=trust(address), trust_env=address.hostname not in LOOPBACK
        ) as client:
            yield client
    except httpx.TransportError as error:
        # The address itself is a credential: only its host is told.
        text = f"The storage at {address.hostname} does not answer: {type(error).__name__}."
        raise Unreachable(0, "unreachable", text, hint="Try again in a moment.") from error


def check(answer: httpx.Response) -> None:
    """Raises `ApiError` for an answer that is no success, `Unreachable` where another try may help."""
    if answer.is_success:
        return
    text = f"The storage at {answer.request.url.host} answered {answer.status_code}: {answer.text[:300]}"
    kind = Unreachable if answer.status_code in (500, 502, 503, 504) else ApiError
    raise kind(answer.status_code, "storage_error", text, hint="Try again; the address is good for an hour.")
