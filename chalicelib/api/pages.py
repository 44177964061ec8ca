"""A page of a list, cut where one answer carries no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from chalicelib.domain import payloads
from chalicelib.domain.errors import FieldProblem, Invalid, TooLarge
from headrace.contract.base import ListRequest


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list, and where to go on.

    `places` are those of the rows, from which a shorter page may go on by cursor. `is_head`: the rows are the first
    of those that wait, so that fewer of them are an answer, too.
    """

    rows: Sequence[BaseModel]
    cursor: str | None = None
    places: Sequence[str] | None = None
    is_head: bool = False


def fitted(page: Page, body: Any) -> tuple[list[str], str | None]:
    """The rows that one answer carries, at least one, as JSON; and where to go on.

    Raises `TooLarge` if they are not all, and whoever asked would take them for all: one who counts rows by
    `offset` (as Prefect's client does), or asked for named ones. And `Invalid` for who counts where the list itself
    ended a page early, having looked at as many rows as one page does.
    """
    texts = _fitting(page.rows)
    if len(texts) == len(page.rows):
        if page.cursor is not None and _counts(body) and len(texts) < body.limit:
            raise _too_rare(len(texts), body.limit)
        return texts, page.cursor
    if page.is_head:
        return texts, None
    if page.places is None or _counts(body):
        raise _too_large(len(texts), len(page.rows))
    return texts, page.places[len(texts) - 1]


def _fitting(rows: Sequence[BaseModel]) -> list[str]:
    texts: list[str] = []
    room = payloads.PAGE
    for row in rows:
        text = row.model_dump_json()
        room -= payloads.carried(text) + 1
        if room < 0 and texts:
            break
        texts.append(text)
    return texts


def _counts(body: Any) -> bool:
    return isinstance(body, ListRequest) and body.cursor is None and "offset" in body.model_fields_set


def _too_rare(found: int, limit: int) -> Invalid:
    problem = FieldProblem("offset", "cannot be counted to the end of this page", "`cursor` instead")
    return Invalid(
        f"The filter lets through {found} of the rows that one answer looks at, not {limit}; more may follow.",
        code="too_rare",
        hint="Leave `offset` out and go on with `cursor`, or name a flow or deployment or a shorter period.",
        errors=[problem],
    )


def _too_large(fit: int, count: int) -> TooLarge:
    problem = FieldProblem(
        "limit", f"asks for {count} rows that no answer carries together", f"at most {fit}"
    )
    return TooLarge(
        f"These {count} rows are too large for one answer; the first {fit} would fit.",
        code="page_too_large",
        hint="Ask for fewer at once, or leave `offset` out and go on with `cursor`, where the list has one.",
        errors=[problem],
    )
