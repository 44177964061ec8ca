"""Base classes and field types that all models of the wire share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints


def _as_utc(value: datetime) -> datetime:
    """Read a time without a zone as UTC, as Prefect does, and give every other one in UTC."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Time = Annotated[datetime, AfterValidator(_as_utc)]
"""A moment, always in UTC."""

Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^/%&><\x00-\x1f]+$")
]
"""Name of a flow, deployment, pool, queue or worker: 1 to 200 characters, none of `/ % & > <`."""

Tag = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Tags = Annotated[list[Tag], Field(default_factory=list, max_length=50)]

Json = dict[str, object]
"""A JSON object."""


class Request(BaseModel):
    """What a client sends: unknown members are refused."""

    model_config = ConfigDict(extra="forbid")


class Answer(BaseModel):
    """What the server sends: made from a domain value of the same field names; unknown members are ignored."""

    model_config = ConfigDict(extra="ignore", from_attributes=True)


class ListRequest(Request):
    """Members that every list shares: a page of at most `limit` rows, from `cursor` (or `offset`) on.

    The answer is a bare array; where more may follow, the header `Headrace-Next-Cursor` carries the cursor.
    """

    limit: int = Field(default=200, ge=1, le=200)
    offset: int = Field(default=0, ge=0, le=1000)
    cursor: str | None = Field(default=None, max_length=2000)


NEXT_CURSOR_HEADER = "Headrace-Next-Cursor"
