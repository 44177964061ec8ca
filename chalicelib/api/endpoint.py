"""The endpoint: admit, parse, call one use case, dump the answer, and turn every error into one HTTP answer.

Each route is declared here once; the OpenAPI document is made from these declarations. HTTP middleware
cannot do this, since Chalice answers 500 to a route's exception before any middleware sees it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from chalice.app import Request, Response
from pydantic import BaseModel, TypeAdapter, ValidationError

from chalicelib.api import access, cursors, routes
from chalicelib.api.pages import Page, fitted
from chalicelib.api.requests import MAX_BODY, Wants, author, members, refusal, traceparent
from chalicelib.domain.access import NOBODY, Caller, Need
from chalicelib.domain.errors import (
    Conflict,
    Forbidden,
    HeadraceError,
    Invalid,
    NotFound,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from chalicelib.observability import about
from chalicelib.services.control_plane import ControlPlane
from headrace.contract.base import NEXT_CURSOR_HEADER, ListRequest
from headrace.contract.errors import ErrorBody, FieldError

log = logging.getLogger("headrace.api")
T = TypeVar("T", covariant=True)

STATUS: dict[type[HeadraceError], int] = {
    NotFound: 404,
    Conflict: 409,
    Invalid: 422,
    TooLarge: 413,
    Unauthenticated: 401,
    Forbidden: 403,
    Unavailable: 503,
}


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """What a handler is given: the use cases, the parsed body and query, and whose request it is.

    `author` is who the client says it is, or else the name of its key; `host` is the address that the caller
    used to come here; `traceparent` its place in a trace.
    """

    plane: ControlPlane
    body: T
    query: Any = None
    author: str | None = None
    caller: Caller = NOBODY
    host: str | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """An answer that says by its status whether it was made or found."""

    value: BaseModel
    status: int = 200


@dataclass(frozen=True, slots=True)
class Route:
    """A declared route, for the OpenAPI document and for the test that looks at all of them.

    `finds`: it answers 200 instead of its usual status where it found what it would have made.
    `eased`: members of the body that the right to operate is enough for, if the body has no others.
    """

    method: str
    path: str
    summary: str
    body: Any
    answer: Any
    status: int
    query: Any = None
    finds: bool = False
    needs: Need | None = None
    eased: frozenset[str] = frozenset()


ROUTES: list[Route] = []
VIEWS: dict[str, Callable[[Request, Mapping[str, str]], Response]] = {}
"""By method and path, such as `GET /flows/{flow_id}`; see `routes`."""


def endpoint(
    method: str,
    path: str,
    *,
    body: Any = None,
    answer: Any = None,
    status: int = 200,
    query: type[BaseModel] | None = None,
    max_body: int = MAX_BODY,
    needs: Need | None = None,
    eased: frozenset[str] = frozenset(),
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a route. Path members that end in `_id` are UUIDs; an absent body is an empty object.

    Who may call it is `needs`: one that does not say is for admins alone, and a test fails.
    """
    wants = Wants(body, query, max_body)

    def declare(handler: Callable[..., Any]) -> Callable[..., Any]:
        summary = (handler.__doc__ or "").strip().splitlines()[0]
        finds = handler.__annotations__.get("return") == Found.__name__
        route = Route(method, path, summary, body, answer, status, query, finds, needs, eased)
        listed = routes.checked(handler.__module__, method, path)

        def view(request: Request, given: Mapping[str, str]) -> Response:
            with about(request_id=(request.context or {}).get("requestId"), run_id=given.get("run_id")):
                return answer_to(request, route, handler, given, wants)

        ROUTES.append(route)
        VIEWS[listed] = view
        return handler

    return declare


def bare(method: str, path: str) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """Declare a route that makes its whole answer itself and is not in the OpenAPI document."""

    def declare(handler: Callable[..., Response]) -> Callable[..., Response]:
        def view(request: Request, given: Mapping[str, str]) -> Response:
            return handler(**given)

        VIEWS[routes.checked(handler.__module__, method, path)] = view
        return handler

    return declare


def answer_to(
    request: Request, route: Route, handler: Callable[..., Any], given: Mapping[str, str], wants: Wants
) -> Response:
    """Admit, parse, call, dump; every error becomes an `ErrorBody`, and no stack trace ever leaves."""
    try:
        plane, needs = routes.control_plane(), route.needs or Need.MANAGE
        caller = access.admit(plane, request, needs, route.eased)
        named = members(given)
        access.admit_there(caller, needs, named)
        scope = f"{request.path} {named}"
        body = wants.body(request)
        access.admit_body(caller, needs, route.eased, body)
        if isinstance(body, ListRequest) and body.cursor is not None:
            body.cursor = cursors.read(body.cursor, scope)
        by = author(request) or caller.name
        host, trace = request.headers.get("host"), traceparent(request)
        call = Call(plane, body, wants.query(request), by, caller, host, trace)
        return _dump(handler(call, **named), route.status, scope, body)
    except ValidationError as error:
        return _refuse(refusal(error))
    except HeadraceError as error:
        if _status(error) >= 500:
            log.warning("%s %s is refused: %s%s", request.method, request.path, error, _because(error))
        return _refuse(error)
    except Exception:
        log.exception("%s %s failed", request.method, request.path)
        body = error_body("internal", "Something went wrong inside the control plane.", "Its log says what.")
        return _json(body.model_dump_json(), 500)


def error_body(
    code: str, message: str, hint: str | None = None, errors: Sequence[FieldError] = ()
) -> ErrorBody:
    """The body of an error."""
    return ErrorBody(code=code, message=message, hint=hint, detail=message, errors=list(errors))


def _dump(result: Any, status: int, scope: str, asked: Any) -> Response:
    if isinstance(result, Found):
        result, status = result.value, result.status
    if result is None:
        return Response(body="", status_code=204)
    if isinstance(result, Page):
        rows, place = fitted(result, asked)
        headers = {NEXT_CURSOR_HEADER: cursors.make(place, scope)} if place else {}
        return _json(f"[{','.join(rows)}]", status, headers)
    if isinstance(result, BaseModel):
        return _json(result.model_dump_json(), status)
    return _json(TypeAdapter(type(result)).dump_json(result).decode(), status)


def _json(text: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(text, status_code=status, headers={"Content-Type": "application/json", **(headers or {})})


def _status(error: HeadraceError) -> int:
    return next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)


def _because(error: HeadraceError) -> str:
    """What lies behind it, in AWS's words: those have names of tables and roles, but no request and no credentials."""
    return "" if error.__cause__ is None else f" ({type(error.__cause__).__name__}: {error.__cause__})"[:500]


def _refuse(error: HeadraceError) -> Response:
    status = _status(error)
    errors = [FieldError(path=e.path, message=e.message, expected=e.expected) for e in error.errors]
    headers = {"Retry-After": "1"} if status == 503 else {}
    if isinstance(error, Unauthenticated):
        headers = access.challenge(error)
    return _json(error_body(error.code, error.message, error.hint, errors).model_dump_json(), status, headers)
