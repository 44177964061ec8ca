"""The endpoint: parse, call one use case, dump the answer, and turn every error into one HTTP answer.

Each route is declared here once; the OpenAPI document is made from these declarations. HTTP middleware
cannot do this, since Chalice answers 500 to a route's exception before any middleware sees it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from chalice.app import Blueprint, Request, Response
from pydantic import BaseModel, TypeAdapter, ValidationError

from chalicelib.api import cursors
from chalicelib.api.requests import MAX_BODY, Wants, members, refusal
from chalicelib.domain.errors import (
    Conflict,
    Forbidden,
    HeadraceError,
    Invalid,
    NotFound,
    TooLarge,
    Unavailable,
)
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
    Forbidden: 403,
    Unavailable: 503,
}


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """What a handler is given: the use cases, the parsed body, and the query."""

    plane: ControlPlane
    body: T
    query: Any = None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list, and where to go on."""

    rows: Sequence[BaseModel]
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """An answer that says by its status whether it was made or found."""

    value: BaseModel
    status: int = 200


@dataclass(frozen=True, slots=True)
class Route:
    """A declared route, for the OpenAPI document and for the test that looks at all of them.

    `finds`: it answers 200 instead of its usual status where it found what it would have made.
    """

    method: str
    path: str
    summary: str
    body: Any
    answer: Any
    status: int
    query: Any = None
    finds: bool = False


ROUTES: list[Route] = []
_source: list[Callable[[], ControlPlane]] = []


def serve(source: Callable[[], ControlPlane]) -> None:
    """Have the routes call these use cases; `app.py` says which."""
    _source[:] = [source]


def endpoint(
    blueprint: Blueprint,
    method: str,
    path: str,
    *,
    body: Any = None,
    answer: Any = None,
    status: int = 200,
    query: type[BaseModel] | None = None,
    max_body: int = MAX_BODY,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a route. Path members that end in `_id` are UUIDs; an absent body is an empty object."""
    wants = Wants(body, query, max_body)

    def declare(handler: Callable[..., Any]) -> Callable[..., Any]:
        summary = (handler.__doc__ or "").strip().splitlines()[0]
        finds = handler.__annotations__.get("return") == Found.__name__
        ROUTES.append(Route(method, path, summary, body, answer, status, query, finds))

        def view(**given: str) -> Response:
            return answer_to(blueprint.current_request, handler, given, wants, status)

        view.__name__ = f"{handler.__module__.rpartition('.')[2]}_{handler.__name__}"
        blueprint.route(path, methods=[method])(view)
        return handler

    return declare


def answer_to(
    request: Request,
    handler: Callable[..., Any],
    given: Mapping[str, str],
    wants: Wants,
    status: int,
) -> Response:
    """Parse, call, dump; every error becomes an `ErrorBody`, and no stack trace ever leaves."""
    try:
        named = members(given)
        scope = f"{request.path} {named}"
        body = wants.body(request)
        if isinstance(body, ListRequest) and body.cursor is not None:
            body.cursor = cursors.read(body.cursor, scope)
        call = Call(_source[0](), body, wants.query(request))
        return _dump(handler(call, **named), status, scope)
    except ValidationError as error:
        return _refuse(refusal(error))
    except HeadraceError as error:
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


def _dump(result: Any, status: int, scope: str) -> Response:
    if isinstance(result, Found):
        result, status = result.value, result.status
    if result is None:
        return Response(body="", status_code=204)
    if isinstance(result, Page):
        rows = ",".join(row.model_dump_json() for row in result.rows)
        headers = {NEXT_CURSOR_HEADER: cursors.make(result.cursor, scope)} if result.cursor else {}
        return _json(f"[{rows}]", status, headers)
    if isinstance(result, BaseModel):
        return _json(result.model_dump_json(), status)
    return _json(TypeAdapter(type(result)).dump_json(result).decode(), status)


def _json(text: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(text, status_code=status, headers={"Content-Type": "application/json", **(headers or {})})


def _refuse(error: HeadraceError) -> Response:
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
    errors = [FieldError(path=e.path, message=e.message, expected=e.expected) for e in error.errors]
    headers = {"Retry-After": "1"} if status == 503 else {}
    return _json(error_body(error.code, error.message, error.hint, errors).model_dump_json(), status, headers)
