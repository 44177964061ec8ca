"""Base classes and field types that all models of the wire share."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

from headrace.contract.sizes import SMALL_JSON


def _as_utc(value: datetime) -> datetime:
    """Read a time without a zone as UTC, as Prefect does, and give every other one in UTC."""
    if not 1900 <= value.year < 2400:
        raise ValueError("the year must be from 1900 to 2399")
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Time = Annotated[datetime, AfterValidator(_as_utc)]
"""A moment, always in UTC."""

PATTERNS: dict[str, str] = {}
"""What the patterns below, and those of other models, ask for in words."""


def pattern(expression: str, words: str) -> str:
    """A pattern for a text, with what is said of a text that does not match."""
    PATTERNS[expression] = words
    return expression


NAME_BYTES = 500
"""Two names and a prefix make a key of the table, of which DynamoDB takes 1,024 bytes."""


def _addressable(name: str) -> str:
    """A name must survive as one step of a URL's path, and fit into a key."""
    if name in (".", ".."):
        raise ValueError("'.' and '..' are no names: URLs give them another meaning")
    if len(name.encode()) > NAME_BYTES:
        raise ValueError(f"has {len(name.encode())} bytes in UTF-8; {NAME_BYTES} are allowed")
    return name


Name = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        min_length=1,
        max_length=200,
        pattern=pattern(r"^[^/%&><\x00-\x1f]+$", "may have none of / % & > < and no line break"),
    ),
    AfterValidator(_addressable),
]
"""Name of a flow, deployment, pool, queue or worker: 1 to 200 characters, none of `/ % & > <`."""

RESERVED = frozenset({"filter", "heartbeat"})


def _not_reserved(name: str) -> str:
    if name in RESERVED:
        raise ValueError(f"{name!r} is a part of the API's own paths; choose another name")
    return name


StepName = Annotated[Name, AfterValidator(_not_reserved)]
"""Name of a pool, queue or worker: it stands in paths beside fixed steps such as `filter`."""

Tag = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        min_length=1,
        max_length=100,
        pattern=pattern(r"^[^\x00-\x1f]+$", "may have no line break or other control character"),
    ),
]
Tags = Annotated[list[Tag], Field(default_factory=list, max_length=50)]

JSON_DEPTH = 100
"""Deeper values would exhaust the stack of what walks them."""


def _plain(value: dict[str, object]) -> dict[str, object]:
    """Refuse what JSON readers elsewhere would choke on: numbers that are none, and endless nesting."""
    level: list[object] = [value]
    for _ in range(JSON_DEPTH + 1):
        if any(isinstance(part, float) and not math.isfinite(part) for part in level):
            raise ValueError("NaN and Infinity are not JSON")
        level = [
            member
            for part in level
            if isinstance(part, (dict, list))
            for member in (part.values() if isinstance(part, dict) else part)
        ]
        if not level:
            return value
    raise ValueError(f"is nested more than {JSON_DEPTH} levels deep")


def _small(value: dict[str, object]) -> dict[str, object]:
    size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
    if size > SMALL_JSON:
        sizes = {"size": size, "limit": SMALL_JSON}
        raise PydanticCustomError("too_large", "has {size} bytes; at most {limit} are allowed", sizes)
    return value


Json = Annotated[dict[str, object], AfterValidator(_plain)]
"""A JSON object."""
SmallJson = Annotated[Json, AfterValidator(_small)]
"""A JSON object of at most 32 KB."""

Labels = Annotated[
    dict[
        Annotated[str, StringConstraints(min_length=1, max_length=200)],
        StrictBool | StrictInt | StrictFloat | Annotated[str, StringConstraints(strict=True)],
    ],
    AfterValidator(_plain),
    AfterValidator(_small),
]
"""Plain values by name, of at most 32 KB."""

YEAR = 366 * 86_400
Seconds = Annotated[float, Field(ge=0, le=YEAR, allow_inf_nan=False)]
"""A duration of up to a year."""
Counter = Annotated[int, Field(ge=1, le=999_999_999)]
"""A number that counts up from 1."""

And = Literal["and_"]
"""How the members of a filter are combined: no index serves any other way."""


class Request(BaseModel):
    """What a client sends: unknown members are refused."""

    model_config = ConfigDict(extra="forbid")


class Answer(BaseModel):
    """What the server sends: made from a domain value of the same field names; unknown members are ignored."""

    model_config = ConfigDict(extra="ignore", from_attributes=True)


class ListRequest(Request):
    """Members that every list shares: a page of at most `limit` rows, from `cursor` (or `offset`) on.

    The answer is a bare array; where more may follow, the header `Headrace-Next-Cursor` carries the cursor. A page
    may be short of `limit`: it ends where one answer carries no more, or where many rows were looked at of which a
    filter lets few through. Asked by `offset`, such a page is refused (413 `page_too_large`, 422 `too_rare`), since
    whoever counts rows by it would miss some.
    """

    limit: int = Field(default=200, ge=1, le=200)
    offset: int = Field(default=0, ge=0, le=1000)
    cursor: str | None = Field(default=None, max_length=2000)


NEXT_CURSOR_HEADER = "Headrace-Next-Cursor"

AUTHOR_HEADER = "Headrace-Author"
"""Who makes a change, such as `ana@laptop`, percent-encoded UTF-8; a version of a deployment keeps it."""
