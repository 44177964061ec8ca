"""A threaded HTTP/1.1 server: a thread per connection, keep-alive, bounded bodies, a quick end."""

from __future__ import annotations

import logging
import os
import re
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from headrace.contract.errors import ErrorBody
from headrace.local.callers import calling_from

log = logging.getLogger("headrace.server")

MAX_BODY_BYTES = 10_000_000
MAX_OBJECT_BYTES = 100_000_000
"""What S3 may be given below /aws: a bundle of code, at most."""
_DRAINED_BYTES = 100_000_000
_CHUNK = 65_536
_BODILESS = (204, 304)
_LENGTH = re.compile(r"[0-9]{1,18}")
_CHUNK_LENGTH = re.compile(rb"[0-9A-Fa-f]{1,15}")
"""Nothing else that int() takes for a number: with -1 a read would go on to the end, in memory."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `target` is the path and query as they came; header names are as they came too."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """One answer."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


def error_response(status: int, code: str, message: str, hint: str | None = None) -> Response:
    """An error as every route of the API gives it."""
    body = ErrorBody(code=code, message=message, hint=hint, detail=message).model_dump_json()
    return Response(status, [("Content-Type", "application/json")], body.encode())


class _Refused(Exception):
    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


class _Connection(BaseHTTPRequestHandler):
    """One connection and its requests, one after the other."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "Headrace"
    sys_version = ""
    wbufsize = -1  # head and body in one segment: two would wait for the client's delayed acknowledgement
    disable_nagle_algorithm = True
    timeout = 120  # a silent client does not hold its thread for ever

    def _answer(self) -> None:
        with self.server.busy():
            try:
                request = Request(self.command, self.path, dict(self.headers.items()), self._body())
                with calling_from(self.connection):
                    response = self._handled(request)
            except _Refused as refused:
                self.close_connection = True
                response = refused.response
            self._send(response)
            self.wfile.flush()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer  # noqa: N815

    def _handled(self, request: Request) -> Response:
        try:
            return self.server.handle(request)
        except Exception:
            log.exception("%s %s failed", request.method, request.target.partition("?")[0])
            return error_response(500, "internal_error", "The server failed to answer.", "See its log.")

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunks()
        text = self.headers.get("Content-Length") or "0"
        if not _LENGTH.fullmatch(text):
            raise _Refused(error_response(400, "bad_request", f"Content-Length is {text!r}, not a number."))
        length = int(text)
        most = MAX_OBJECT_BYTES if self.path.startswith("/aws/") else MAX_BODY_BYTES
        if length > most:
            self._drain(length)
            raise _too_large(most)
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionError("the client left in the middle of its request")
        return body

    def _chunks(self) -> bytes:
        body = bytearray()
        while True:
            said = self.rfile.readline(32).split(b";")[0].strip()
            if not _CHUNK_LENGTH.fullmatch(said):
                raise _Refused(error_response(400, "bad_request", "A chunk has no valid length."))
            length = int(said, 16)
            if len(body) + length > MAX_BODY_BYTES:
                raise _too_large(MAX_BODY_BYTES)
            body += self.rfile.read(length)
            self.rfile.readline(_CHUNK)
            if length == 0:
                return bytes(body)

    def _drain(self, length: int) -> None:
        """Read on for a while, since many clients look for an answer only when all is sent."""
        remaining = min(length, _DRAINED_BYTES)
        while remaining and (read := self.rfile.read(min(remaining, _CHUNK))):
            remaining -= len(read)

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        for name, value in response.headers:
            self.send_header(name, value)
        if response.status not in _BODILESS:
            self.send_header("Content-Length", str(len(response.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD" and response.status not in _BODILESS:
            self.wfile.write(response.body)

    def handle_expect_100(self) -> bool:
        """Tell the client at once to go on."""
        going_on = super().handle_expect_100()
        self.wfile.flush()
        return going_on

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What cannot be parsed is answered in the API's form too."""
        self.close_connection = True
        self.command = getattr(self, "command", None) or "GET"
        self._send(error_response(code, "bad_request", message or f"HTTP error {code}."))

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are told to whoever listens at debug level."""
        log.debug(format, *args)


def _too_large(most: int) -> _Refused:
    limit = most // 1_000_000
    return _Refused(error_response(413, "too_large", f"The body is larger than {limit} MB."))


class Server(ThreadingHTTPServer):
    """Bound from its creation on; answers from `start` on."""

    daemon_threads = True
    request_queue_size = 128
    # On Windows this option would let two servers share a port.
    allow_reuse_address = os.name != "nt"

    def __init__(self, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.handle: Callable[[Request], Response] = _not_ready
        self._idle = threading.Condition()
        self._running = 0
        self._thread: threading.Thread | None = None
        super().__init__((host, port), _Connection)

    @property
    def port(self) -> int:
        """The port, also when any free one was asked for."""
        return int(self.server_address[1])

    def server_bind(self) -> None:
        """Bind without the base class's look-up of the host's full name, which may wait for a name server."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.port

    def start(self, handle: Callable[[Request], Response]) -> None:
        """Answer requests in the background."""
        self.handle = handle
        self._thread = threading.Thread(
            target=self.serve_forever, args=(0.1,), name="headrace-http", daemon=True
        )
        self._thread.start()

    def stop(self, patience: float = 1.0) -> None:
        """Accept nothing more, let running requests end for so many seconds, and let go of the port."""
        if self._thread:
            self.shutdown()
        deadline = time.monotonic() + patience
        with self._idle:
            self._idle.wait_for(lambda: self._running == 0, max(0.0, deadline - time.monotonic()))
        self.server_close()

    def busy(self) -> _Busy:
        """Count a request that runs."""
        return _Busy(self)

    def count(self, change: int) -> None:
        """Follow how many requests run."""
        with self._idle:
            self._running += change
            self._idle.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves or falls silent is its own affair; anything else is logged."""
        if not isinstance(sys.exception(), OSError):
            log.exception("A connection from %s failed", client_address)


class _Busy:
    def __init__(self, server: Server) -> None:
        self._server = server

    def __enter__(self) -> None:
        self._server.count(1)

    def __exit__(self, *_: object) -> None:
        self._server.count(-1)


def _not_ready(_: Request) -> Response:
    return error_response(503, "starting", "The server is starting.", "Try again in a moment.")
