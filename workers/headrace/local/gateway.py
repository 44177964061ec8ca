"""What API Gateway does in the cloud: routes to the Chalice app, and to SQS and S3 under `/aws`."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from chalice.config import Config
from chalice.local import (
    LambdaEventConverter,
    LocalChalice,
    LocalGatewayException,
    MatchResult,
    RouteMatcher,
)

from headrace.local.aws.door import Door
from headrace.local.aws.services import Services
from headrace.local.guard import Guard
from headrace.local.payloads import PayloadGateway
from headrace.local.webserver import Request, Response, error_response

AWS_PATH = "/aws"
_WELCOME = """\
This is Headrace's control plane. It has no web pages yet: the command line shows everything.

  headrace flow-run ls     what ran, and what runs
  headrace --help          all commands
  GET /api/openapi.json    all routes of the API
"""


class Routes(RouteMatcher):
    """The app's routes by number of segments. Path parameters go on as they stand in the URL.

    So does API Gateway hand them on, and the app decodes them: twice would make another name of some.
    """

    def __init__(self, routes: Iterable[str]) -> None:
        super().__init__(list(routes))
        self._by_length: dict[int, list[tuple[str, list[str]]]] = {}
        for route in self.route_urls:  # braces sort after letters: the concrete route comes first
            parts = route.split("/")
            self._by_length.setdefault(len(parts), []).append((route, parts))

    def match_route(self, url: str) -> Any:
        """The route, its parameters and the query. Raises ValueError, as Chalice expects, if none fits."""
        split = urlsplit(url)
        path = split.path[:-1] if len(split.path) > 1 and split.path.endswith("/") else split.path
        given = path.split("/")
        for route, parts in self._by_length.get(len(given), ()):
            captured = _captured(parts, given)
            if captured is not None:
                return MatchResult(route, captured, parse_qs(split.query, keep_blank_values=True))
        raise ValueError(f"no route for {url}")


class Gateway:
    """Answers every request that reaches the server."""

    def __init__(
        self, app: Any, services: Services, guard: Guard, base_url: str, door: Door | None = None
    ) -> None:
        self._app = _threaded(app)
        self._services = services
        self._guard = guard
        self._door = door
        self._aws_url = f"{base_url}{AWS_PATH}/"
        self._routes = Routes(self._app.routes)
        self._local = PayloadGateway(self._app, Config.create(lambda_timeout=29))
        self._local.event_converter = LambdaEventConverter(self._routes, self._app.api.binary_types)

    def handle(self, request: Request) -> Response:
        """Answer one request."""
        refusal = self._guard.refusal(request.headers)
        if refusal:
            return refusal
        if request.target == AWS_PATH or request.target.startswith((AWS_PATH + "/", AWS_PATH + "?")):
            return self._aws(request)
        return self._application(request)

    def _aws(self, request: Request) -> Response:
        if self._door:
            refused = self._door.refusal(request.method, request.target, request.headers, request.body)
            if refused:
                return Response(refused.status, list(refused.headers.items()), refused.body)
        rest = request.target.removeprefix(AWS_PATH)
        path = rest if rest.startswith("/") else f"/{rest}"
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = self._services.answer_http(request.method, path, headers, request.body, self._aws_url)
        return Response(answer.status, _without_length(answer.headers.items()), answer.body)

    def _application(self, request: Request) -> Response:
        if request.method in ("GET", "HEAD") and request.target.partition("?")[0] == "/":
            return Response(200, [("Content-Type", "text/plain; charset=utf-8")], _WELCOME.encode())
        if not self._offers(request.method, request.target):
            return _not_found(request)
        try:
            answer = self._local.handle_request(
                method=request.method,
                path=request.target,
                headers=dict(request.headers),
                body=request.body or None,
            )
        except LocalGatewayException as error:
            return Response(error.CODE, _flat(error.headers), error.body or b"")
        headers = _without_length([*_flat(answer["headers"]), *_flat(answer["multiValueHeaders"])])
        if not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("Content-Type", "application/json"))
        return Response(answer["statusCode"], headers, _body_of(answer))

    def _offers(self, method: str, target: str) -> bool:
        try:
            route = self._routes.match_route(target).route
        except ValueError:
            return False
        return method in self._app.routes[route] or method == "OPTIONS"


def _threaded(app: Any) -> Any:
    """Make `current_request` the thread's own. Stock Chalice shares it: answers go to the wrong caller."""
    if not isinstance(app, LocalChalice):
        app.__class__ = type("ThreadedApp", (LocalChalice, app.__class__), {})
    return app


def _captured(parts: list[str], given: list[str]) -> dict[str, str] | None:
    captured: dict[str, str] = {}
    for part, value in zip(parts, given, strict=True):
        if part.startswith("{") and part.endswith("}"):
            captured[part[1:-1]] = value
        elif part != unquote(value):
            return None
    return captured


def _not_found(request: Request) -> Response:
    path = request.target.partition("?")[0]
    return error_response(
        404, "not_found", f"There is no {request.method} {path}.", "GET /api/openapi.json lists all routes."
    )


def _flat(headers: Any) -> list[tuple[str, str]]:
    return [
        (name, str(value))
        for name, values in (headers or {}).items()
        for value in (values if isinstance(values, list) else [values])
    ]


def _without_length(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The server states length and connection itself."""
    own = ("content-length", "connection", "date", "server", "transfer-encoding")
    return [(name, value) for name, value in headers if name.lower() not in own]


def _body_of(answer: dict[str, Any]) -> bytes:
    body = answer.get("body") or b""
    if answer.get("isBase64Encoded"):
        return base64.b64decode(body)
    return body if isinstance(body, bytes) else str(body).encode()
