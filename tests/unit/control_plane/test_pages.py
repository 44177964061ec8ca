"""Walks over everything of a kind."""

from __future__ import annotations

from uuid import UUID

import pytest

from chalicelib.services.pages import each, pages

NAMES = ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6])
def test_each_row_comes_once_and_in_order(size: int) -> None:
    """`more` may be said in vain: then an empty page ends the walk."""
    asked: list[str | None] = []

    def page(after: str | None) -> tuple[list[str], bool]:
        asked.append(after)
        rows = [name for name in NAMES if after is None or name > after][:size]
        return rows, len(rows) == size

    assert list(each(page)) == NAMES
    assert asked == [None, *NAMES[size - 1 :: size]]


def test_what_has_ids_goes_on_after_the_last_name() -> None:
    rows = [(UUID(int=9 - number), name) for number, name in enumerate(NAMES)]

    def page(after: str | None) -> tuple[list[tuple[UUID, str]], bool]:
        found = [row for row in rows if after is None or row[1] > after]
        return found[:2], len(found) > 2

    assert list(pages(page)) == [rows[:2], rows[2:4], rows[4:]]


def test_a_page_is_read_when_it_is_needed() -> None:
    asked = []

    def page(after: str | None) -> tuple[list[str], bool]:
        asked.append(after)
        return ["a"], True

    assert next(each(page)) == "a"
    assert asked == [None]
