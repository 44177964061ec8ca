"""What all groups of endpoints share: typed reading of answers, pages, and paths with names in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import quote
from uuid import UUID

from pydantic import BaseModel, TypeAdapter

from headrace.client.errors import Conflict
from headrace.client.transport import Query, Transport
from headrace.contract.base import NEXT_CURSOR_HEADER, ListRequest

T = TypeVar("T")
R = TypeVar("R", bound=ListRequest)

_READERS: dict[Any, TypeAdapter[Any]] = {}


class Page(NamedTuple, Generic[T]):
    """Some rows of a list, and the cursor of the next ones if more may follow."""

    items: list[T]
    cursor: str | None


class Made(NamedTuple, Generic[T]):
    """What a create gave, and whether it was made now (or found under its name or idempotency key)."""

    value: T
    created: bool


class Resource:
    """One group of endpoints."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _get(self, kind: type[T], path: str, query: Query | None = None) -> T:
        value: T = reader(kind).validate_json(self._transport.send("GET", path, query=query).content)
        return value

    def _post(
        self,
        kind: Any,
        path: str,
        body: BaseModel | bytes | None,
        *,
        safe: bool = False,
        compress: bool = False,
    ) -> Any:
        answer = self._transport.send("POST", path, body, safe=safe, compress=compress)
        return reader(kind).validate_json(answer.content)

    def _make(
        self, kind: type[T], path: str, body: BaseModel, *, safe: bool = False, compress: bool = False
    ) -> Made[T]:
        answer = self._transport.send("POST", path, body, safe=safe, compress=compress)
        return Made(reader(kind).validate_json(answer.content), answer.status_code == 201)

    def _page(self, kind: type[T], path: str, request: ListRequest) -> Page[T]:
        answer = self._transport.send("POST", path, request, safe=True)
        rows: list[T] = reader(list[kind]).validate_json(answer.content)  # type: ignore[valid-type]
        return Page(rows, answer.headers.get(NEXT_CURSOR_HEADER) or None)

    def _patch(self, path: str, body: BaseModel) -> None:
        self._transport.send("PATCH", path, body)

    def _delete(self, path: str, **query: str | bool | None) -> None:
        self._transport.send("DELETE", path, query=query)

    def _delete_whole(self, path: str, **query: str | bool | None) -> None:
        """Delete what may have more waiting runs than one request gets through: repeated while it gets on."""
        while True:
            try:
                return self._delete(path, **query)
            except Conflict as error:
                if error.code != "unfinished":
                    raise

    def _skip_late(self, path: str) -> int:
        """End late runs as Skipped, in as many requests as it takes; how many."""
        # Here, since a worker, which skips nothing, does without these models.
        from headrace.contract.system import Skipped

        count = 0
        while True:
            answer: Skipped = self._post(Skipped, path, None, safe=True)
            count += answer.skipped
            if not answer.more:
                return count


def each(fetch: Callable[[R], Page[T]], request: R, at_most: int | None = None) -> Iterator[T]:
    """All rows of a list, page after page, or the first `at_most`: `each(api.pools.list, WorkPoolList())`."""
    left = at_most
    while left is None or left > 0:
        size = request.limit if left is None else min(request.limit, left)
        page = fetch(request.model_copy(update={"limit": size}))
        yield from page.items[:size]
        left = None if left is None else left - len(page.items)
        if page.cursor is None:
            return
        request = request.model_copy(update={"cursor": page.cursor, "offset": 0})


def reader(kind: Any) -> TypeAdapter[Any]:
    """The parser of one kind of answer, made once."""
    if kind not in _READERS:
        _READERS[kind] = TypeAdapter(kind)
    return _READERS[kind]


def at(*parts: str | UUID) -> str:
    """A path of these parts; names are percent-encoded, so a space or `#` in one does no harm."""
    return "".join(f"/{quote(str(part), safe='')}" for part in parts)
