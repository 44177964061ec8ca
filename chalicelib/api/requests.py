"""What a request says, as typed values; whatever is wrong with it becomes one of our errors."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from chalice.app import Request
from pydantic import BaseModel, TypeAdapter, ValidationError

from chalicelib import tracing
from chalicelib.domain.errors import FieldProblem, HeadraceError, Invalid, TooLarge
from headrace.contract.base import AUTHOR_HEADER
from headrace.contract.errors import wording
from headrace.contract.media import GZIP

MAX_BATCH = 6_000_000
"""Bytes of a request that carries many things: Lambda takes 6 MB at once (AWS, Lambda quotas)."""
MAX_BODY = 380_000
"""Bytes of any other: what it makes is one item of the table, of at most 400 KB (AWS, DynamoDB limits)."""
MAX_MEMBER = 1_100
"""Bytes of a path member: longer than the longest name of a limit, shorter than the longest key."""
MAX_AUTHOR = 200
"""Characters kept of who made a change."""
SHOWN = 20
"""Mistakes that one answer names."""


class Wants:
    """The body and the query that a route takes; their adapters are built at its first request."""

    def __init__(self, body: Any, query: type[BaseModel] | None, max_body: int) -> None:
        self._body = body
        self._query = query
        self._max_body = max_body
        self._adapter: TypeAdapter[Any] | None = None

    def body(self, request: Request) -> Any:
        """The parsed body; an absent one is an empty object."""
        if self._body is None:
            return None
        raw = request.raw_body or b""
        if request.headers.get("content-type") == GZIP:
            raw = _unpacked(raw.encode() if isinstance(raw, str) else raw, self._max_body)
        if len(raw) > self._max_body:
            text = f"The request has {len(raw)} bytes; {self._max_body} are allowed."
            raise TooLarge(text, hint="Send less at once, or keep the data elsewhere and send its address.")
        if self._adapter is None:
            self._adapter = TypeAdapter(self._body)
        return self._adapter.validate_json(raw.strip() or b"{}")

    def query(self, request: Request) -> Any:
        """The parsed query of a route that takes one."""
        if self._query is None:
            return None
        try:
            return self._query.model_validate(dict(request.query_params or {}))
        except ValidationError as error:
            raise refusal(error, "query.") from None


def _unpacked(data: bytes, most: int) -> bytes:
    """A gzip body's content, but no more of it than is enough to be refused. Raises `Invalid`."""
    unpacking = zlib.decompressobj(wbits=31)
    try:
        content = unpacking.decompress(data, most + 1)
    except zlib.error as error:
        raise Invalid(f"The body is said to be gzip, but is not: {error}.") from None
    if not unpacking.eof and len(content) <= most:
        raise Invalid("The body is cut off in the middle of its gzip.")
    return content


def members(given: Mapping[str, str]) -> dict[str, str | UUID]:
    """Path members, decoded once (Chalice gives them as they stand in the URL)."""
    result: dict[str, str | UUID] = {}
    for name, text in given.items():
        plain = unquote(text)
        try:
            result[name] = UUID(plain) if name.endswith("_id") else plain
        except ValueError:
            raise _bad_member(name, plain, "is not an id", "a UUID") from None
        if len(plain.encode()) > MAX_MEMBER:
            raise _bad_member(name, plain, "is too long for a name", f"at most {MAX_MEMBER} bytes")
    return result


def author(request: Request) -> str | None:
    """Who made the change, as the client says it; written down, never trusted for anything."""
    said = unquote(str(request.headers.get(AUTHOR_HEADER) or ""))
    kept = "".join(character for character in said if character.isprintable())
    return kept.strip()[:MAX_AUTHOR] or None


def traceparent(request: Request) -> str | None:
    """The maker's place in a trace, if there is one."""
    return tracing.checked(request.headers.get("traceparent"))


def refusal(error: ValidationError, prefix: str = "") -> HeadraceError:
    """What pydantic found wrong, with each field's path and what was expected there."""
    rows = error.errors(include_url=False, include_context=False)[:SHOWN]
    problems = [FieldProblem(_path(row, prefix), _said(row), _EXPECTED.get(row["type"])) for row in rows]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    text = f"{problems[0].path}: {problems[0].message}{more}"
    if any(row["type"] == "too_large" for row in rows):
        return TooLarge(text, hint="Keep the data elsewhere, and send its address.", errors=problems)
    return Invalid(text, errors=problems)


def _bad_member(name: str, text: str, what: str, expected: str) -> Invalid:
    problem = FieldProblem(f"path.{name}", f"{text!r:.100} {what}", expected)
    return Invalid(f"{text!r:.100} {what}.", errors=[problem])


def _path(row: Any, prefix: str) -> str:
    return f"{prefix}{'.'.join(str(part) for part in row['loc'])}"[:200].rstrip(".") or "body"


def _said(row: Any) -> str:
    shown = row.get("input")
    got = "" if isinstance(shown, (dict, list)) else f" (got {shown!r:.60})"
    return f"{wording(row)[:300]}{got}"


_EXPECTED = {
    "extra_forbidden": "no such member",
    "missing": "a value",
    "uuid_parsing": "a UUID",
    "uuid_type": "a UUID",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "string_type": "a text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": "an object",
    "model_type": "an object",
    "list_type": "an array",
    "none_required": "null: no index serves this filter",
    "json_invalid": "JSON",
    "datetime_parsing": "a time such as 2026-01-31T09:00:00Z",
    "datetime_type": "a time such as 2026-01-31T09:00:00Z",
    "datetime_from_date_parsing": "a time such as 2026-01-31T09:00:00Z",
}
