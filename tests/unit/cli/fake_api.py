"""A tiny HTTP server that stands where the control plane would: canned answers, every request recorded."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.unit.cli import canned


@dataclass
class Seen:
    """One request that arrived."""

    method: str
    path: str
    body: Any
    query: str
    headers: dict[str, str]


@dataclass
class Answer:
    """What to send back."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Route = Callable[[Seen], Answer]


def error(status: int, code: str, message: str, hint: str | None = None) -> Answer:
    """An error as the control plane words it."""
    return Answer({"code": code, "message": message, "hint": hint, "detail": message, "errors": []}, status)


class FakeApi:
    """The server. `on` answers a path (a regular expression) from then on, before the canned answers."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self._routes: list[tuple[str, re.Pattern[str], Route]] = []
        for method, path, body, status in canned.ROUTES:
            self.on(method, path, Answer(body, status))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/api"

    def on(self, method: str, path: str, answer: Answer | Route) -> None:
        route = answer if callable(answer) else lambda seen, fixed=answer: fixed
        self._routes.insert(0, (method, re.compile(path), route))

    def sent(self, method: str) -> list[Seen]:
        """The requests of that method that would change something: lists and checks are POSTs and do not count."""
        return [o for o in self.seen if o.method == method and not o.path.endswith(("/filter", "/check"))]

    def changes(self) -> list[str]:
        return [f"{o.method} {o.path}" for m in ("POST", "PATCH", "DELETE") for o in self.sent(m)]

    def __enter__(self) -> FakeApi:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, seen: Seen) -> Answer:
        self.seen.append(seen)
        for method, pattern, route in self._routes:
            if method == seen.method and pattern.fullmatch(seen.path):
                return route(seen)
        return error(404, "not_found", f"There is nothing at {seen.path}.", "Check the name.")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                raw = self.rfile.read(length)
                address = urlsplit(self.path)
                path = unquote(address.path).removeprefix("/api")
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = json.loads(raw) if raw else None
                answer = fake.answer(Seen(self.command, path, body, address.query, headers))
                data = b"" if answer.body is None else json.dumps(answer.body).encode()
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815

            def log_message(self, *_: Any) -> None:
                """Stay quiet."""

        return Handler
