"""Sends one request and reads its answer: address, key, timeouts, retries, errors as exceptions."""

from __future__ import annotations

import os
import random
import ssl
import time
import zlib
from collections.abc import Callable, Mapping
from urllib.parse import SplitResult, urlsplit

import httpx
from pydantic import BaseModel, ValidationError

from headrace.client.author import author
from headrace.client.errors import BY_STATUS, ApiError, Unreachable
from headrace.contract.base import AUTHOR_HEADER
from headrace.contract.errors import ErrorBody
from headrace.contract.media import GZIP, JSON, PACKED

RETRIED = frozenset({429, 502, 503, 504})
"""Statuses after which the same request may succeed in a moment."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""On this machine nothing is gained by compressing."""
LARGE = 10_000
"""Bytes from which a body is worth it."""
NOT_TAKEN = (404, 405, 415)
"""What a control plane says that takes no compressed bodies."""

Query = Mapping[str, str | int | bool | None]


class Transport:
    """One connection pool to one API; may be used by several threads.

    A *safe* call (one that may be repeated without harm) is sent again after a lost connection and after
    429, 502, 503 and 504; any other one only if it certainly did nothing: refused connections and 429.
    Waits grow exponentially with full jitter, or follow `Retry-After`.
    """

    def __init__(
        self,
        api_url: str,
        api_key: str | None = None,
        *,
        timeout: float = 30.0,
        attempts: int = 4,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.api_url = api_url.rstrip("/")
        self._attempts = attempts
        self._compresses = urlsplit(self.api_url).hostname not in LOOPBACK
        self._sleep = sleep
        headers = {"Accept": "application/json"}
        if api_key:
            headers["Authorization"] = f"Bearer {api_key}"
        if (name := author()) is not None:
            headers[AUTHOR_HEADER] = name
        if trace := os.environ.get("TRACEPARENT"):
            headers["traceparent"] = (
                trace  # a run that is made here belongs to the trace of whoever started us
            )
        address = urlsplit(self.api_url)
        self._http = httpx.Client(
            base_url=self.api_url,
            headers=headers,
            timeout=httpx.Timeout(timeout, connect=min(timeout, 5.0)),
            verify=trust(address),
            # A proxy named in the environment cannot reach this machine's own loopback.
            trust_env=address.hostname not in LOOPBACK,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(
        self,
        method: str,
        path: str,
        body: BaseModel | bytes | None = None,
        *,
        query: Query | None = None,
        safe: bool | None = None,
        timeout: float | None = None,
        attempts: int | None = None,
        compress: bool = False,
    ) -> httpx.Response:
        """Send, retry as the class says, and give the answer if it is a success.

        `compress`: the route takes a large body compressed; one of an older release says that it does not.

        Raises:
            ApiError: Or the subclass that fits the answer.
        """
        content = body.model_dump_json(exclude_unset=True).encode() if isinstance(body, BaseModel) else body
        repeatable = method != "POST" if safe is None else safe
        left = self._attempts if attempts is None else attempts
        if compress and self._compresses and content is not None and len(content) >= LARGE:
            small = self._request(method, path + PACKED, _packed(content), GZIP, query, timeout)
            try:
                return self._sent(small, left, repeatable=repeatable)
            except ApiError as error:
                if error.status not in NOT_TAKEN:
                    raise
                self._compresses = False
        return self._sent(
            self._request(method, path, content, JSON, query, timeout), left, repeatable=repeatable
        )

    def _sent(self, request: httpx.Request, left: int, *, repeatable: bool) -> httpx.Response:
        for attempt in range(1, left + 1):
            last = attempt == left
            try:
                answer = self._http.send(request)
            except httpx.TransportError as error:
                unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
                if last or not (repeatable or unsent):
                    raise self._unreachable(error) from error
                self._sleep(backoff(attempt))
                continue
            if answer.is_success:
                return answer
            again = answer.status_code in RETRIED and (repeatable or answer.status_code == 429)
            if last or not again:
                raise self._refused(answer)
            self._sleep(_retry_after(answer) or backoff(attempt))
        raise AssertionError("a call makes at least one attempt")

    def _request(
        self,
        method: str,
        path: str,
        content: bytes | None,
        kind: str,
        query: Query | None,
        timeout: float | None,
    ) -> httpx.Request:
        return self._http.build_request(
            method,
            path,
            content=content,
            params={name: value for name, value in (query or {}).items() if value is not None} or None,
            headers={"Content-Type": kind} if content is not None else None,
            timeout=timeout if timeout is not None else httpx.USE_CLIENT_DEFAULT,
        )

    def _refused(self, answer: httpx.Response) -> ApiError:
        error = error_from(answer)
        nothing_there = error.code == "http_error" or error.message.startswith(
            f"There is no {answer.request.method} "
        )
        if answer.status_code in (403, 404) and nothing_there and not self.api_url.endswith("/api"):
            error.hint = f"Does the address end in /api? It is {self.api_url}."
        elif answer.status_code in (403, 404) and error.code == "http_error":
            gone = f"That is no control plane: its stage is gone, or {self.api_url} is the wrong address."
            error.message = f"{error.message.removesuffix('.')}. {gone}"
        return error

    def _unreachable(self, error: Exception) -> Unreachable:
        reason = str(error).rstrip(".") or type(error).__name__
        return Unreachable(
            0,
            "unreachable",
            f"No answer from the API at {self.api_url}: {reason}.",
            hint="Is the control plane running? `headrace server start` starts a local one; "
            "`headrace profile inspect` shows the address in use.",
        )


def _packed(content: bytes) -> bytes:
    packing = zlib.compressobj(level=1, wbits=31)
    return packing.compress(content) + packing.flush()


def backoff(attempt: int, *, first: float = 0.2, most: float = 5.0) -> float:
    """Seconds to wait after failure number `attempt`: full jitter below an exponential bound."""
    return random.uniform(0, min(most, first * 2 ** min(attempt, 30)))  # noqa: S311 - spread, no secret


def error_from(answer: httpx.Response) -> ApiError:
    """The exception for an answer that is not a success; reads bodies that are not ours, too."""
    kind = BY_STATUS.get(answer.status_code, ApiError)
    headers = {name.lower(): value for name, value in answer.headers.items()}
    try:
        body = ErrorBody.model_validate_json(answer.content)
    except ValidationError:
        text = answer.text.strip()[:300] or answer.reason_phrase or "no text"
        message = f"{answer.request.method} {answer.request.url.path} answered {answer.status_code}: {text}"
        return kind(answer.status_code, "http_error", message, headers=headers)
    return kind(answer.status_code, body.code, body.message, body.hint, body.errors, headers)


def _retry_after(answer: httpx.Response) -> float | None:
    value = answer.headers.get("Retry-After", "")
    return min(float(value), 30.0) if value.replace(".", "", 1).isdigit() else None


def trust(address: SplitResult) -> ssl.SSLContext | bool:
    """Plain HTTP gets an empty set of authorities: loading the real one costs 20 ms of every command.

    On loopback the environment is not asked for proxies, so it is asked here for certificates (SSL_CERT_FILE).
    """
    if address.scheme != "https":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return ssl.create_default_context() if address.hostname in LOOPBACK else True
