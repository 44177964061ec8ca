"""The endpoint: parse, call one use case, dump the answer, and turn every error into one HTTP answer.

Each route is declared here once; the OpenAPI document is made from these declarations. HTTP middleware
cannot do this, since Chalice answers 500 to a route's exception before any middleware sees it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import unquote
from uuid import UUID

from chalice.app import Blueprint, Request, Response
from pydantic import BaseModel, TypeAdapter, ValidationError

from chalicelib.domain.errors import (
    Conflict,
    FieldProblem,
    Forbidden,
    HeadraceError,
    Invalid,
    NotFound,
    TooLarge,
    Unavailable,
)
from chalicelib.services.control_plane import ControlPlane
from headrace.contract.base import NEXT_CURSOR_HEADER
from headrace.contract.errors import ErrorBody, FieldError

log = logging.getLogger("headrace.api")
T = TypeVar("T", covariant=True)

MAX_BODY = 6_000_000
"""Bytes of a request: Lambda takes 6 MB at once (AWS, Lambda quotas)."""

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
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list, and where to go on."""

    rows: Sequence[BaseModel]
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """An answer with another status than the route's usual one."""

    value: BaseModel
    status: int = 200


@dataclass(frozen=True, slots=True)
class Route:
    """A declared route, for the OpenAPI document and for the test that looks at all of them."""

    method: str
    path: str
    summary: str
    body: Any
    answer: Any
    status: int


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
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a route. Path members that end in `_id` are UUIDs; an absent body is an empty object."""
    adapter: TypeAdapter[Any] | None = None

    def declare(handler: Callable[..., Any]) -> Callable[..., Any]:
        summary = (handler.__doc__ or "").strip().splitlines()[0]
        ROUTES.append(Route(method, path, summary, body, answer, status))

        def view(**members: str) -> Response:
            nonlocal adapter
            if body is not None and adapter is None:
                adapter = TypeAdapter(body)
            return answer_to(blueprint.current_request, handler, members, adapter, status)

        view.__name__ = f"{handler.__module__.rpartition('.')[2]}_{handler.__name__}"
        blueprint.route(path, methods=[method])(view)
        return handler

    return declare


def answer_to(
    request: Request,
    handler: Callable[..., Any],
    members: Mapping[str, str],
    adapter: TypeAdapter[Any] | None,
    status: int,
) -> Response:
    """Parse, call, dump; every error becomes an `ErrorBody`, and no stack trace ever leaves."""
    try:
        call = Call(_source[0](), _parse(request, adapter), request.query_params or {})
        return _dump(handler(call, **_members(members)), status)
    except ValidationError as error:
        return _refuse(_invalid(error))
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


def _parse(request: Request, adapter: TypeAdapter[Any] | None) -> Any:
    if adapter is None:
        return None
    raw = request.raw_body or b""
    if len(raw) > MAX_BODY:
        raise TooLarge(f"The request has {len(raw)} bytes; {MAX_BODY} are allowed.", hint="Send it in parts.")
    return adapter.validate_json(raw.strip() or b"{}")


def _members(members: Mapping[str, str]) -> dict[str, str | UUID]:
    """Path members, decoded once (Chalice gives them as they stand in the URL)."""
    result: dict[str, str | UUID] = {}
    for name, text in members.items():
        plain = unquote(text)
        try:
            result[name] = UUID(plain) if name.endswith("_id") else plain
        except ValueError:
            problem = FieldProblem(f"path.{name}", f"{plain!r:.100} is not an id", "a UUID")
            raise Invalid(f"{plain!r:.100} is not an id.", errors=[problem]) from None
    return result


def _dump(result: Any, status: int) -> Response:
    if isinstance(result, Found):
        result, status = result.value, result.status
    if result is None:
        return Response(body="", status_code=204)
    if isinstance(result, Page):
        rows = ",".join(row.model_dump_json() for row in result.rows)
        headers = {NEXT_CURSOR_HEADER: result.cursor} if result.cursor else {}
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


def _invalid(error: ValidationError) -> Invalid:
    problems = []
    for row in error.errors(include_url=False, include_context=False)[:20]:
        path = ".".join(str(part) for part in row["loc"]) or "body"
        shown = row.get("input")
        got = f" (got {shown!r:.60})" if not isinstance(shown, (dict, list)) else ""
        problems.append(FieldProblem(path, f"{row['msg']}{got}", _EXPECTED.get(row["type"])))
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return Invalid(f"{first.path}: {first.message}{more}", errors=problems)


_EXPECTED = {
    "extra_forbidden": "no such member",
    "missing": "a value",
    "uuid_parsing": "a UUID",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "string_type": "a text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": "an object",
    "list_type": "an array",
    "none_required": "null: no index serves this filter",
    "json_invalid": "JSON",
    "datetime_parsing": "a time such as 2026-01-31T09:00:00Z",
    "datetime_from_date_parsing": "a time such as 2026-01-31T09:00:00Z",
}
