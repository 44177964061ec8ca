"""Walks over everything of a kind, page by page, each page read when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar
from uuid import UUID

Row = TypeVar("Row", str, tuple[UUID, str])
"""A name, or an id with the name under which it stands."""


def pages(page: Callable[[str | None], tuple[list[Row], bool]]) -> Iterator[list[Row]]:
    """All pages. `page` reads the one after a name (None: the first), and says whether more may follow."""
    after: str | None = None
    while True:
        rows, more = page(after)
        yield rows
        if not (rows and more):
            return
        last = rows[-1]
        after = last if isinstance(last, str) else last[1]


def each(page: Callable[[str | None], tuple[list[Row], bool]]) -> Iterator[Row]:
    """All rows of all pages."""
    for rows in pages(page):
        yield from rows
