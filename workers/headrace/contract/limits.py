"""Concurrency limits, as in Prefect 3 (`/v2/concurrency_limits`), with the runs that hold them.

A limit's name says what it limits: `tag:db`, `pool:NAME`, `queue:POOL/NAME`, `deployment:ID`, or
`schedule:ID/SLUG` (of a deployment; it keeps the schedule's runs apart). A bare name means a tag's limit. Those
of pools, queues, deployments and schedules are made and changed with these.
"""

from __future__ import annotations

from typing import Literal
from uuid import UUID, uuid5

from pydantic import Field

from headrace.contract.base import Answer, ListRequest, Request, Tag

_NAMESPACE = UUID("0d3ef1a2-9c1b-5a55-9e0a-0f6a5d1b7c42")


class ConcurrencyLimitCreate(Request):
    """`POST /v2/concurrency_limits/`. Prefect's other members are accepted at the values that they have here."""

    name: Tag
    limit: int = Field(ge=0, le=5000)
    active: Literal[True] = True
    active_slots: Literal[0] = 0
    slot_decay_per_second: Literal[0] = 0
    idempotency_key: str | None = Field(default=None, min_length=1, max_length=500)


class ConcurrencyLimitUpdate(Request):
    """`PATCH /v2/concurrency_limits/{name}`."""

    limit: int = Field(ge=0, le=5000)


class ConcurrencyLimitList(ListRequest):
    """`POST /v2/concurrency_limits/filter`."""


class ConcurrencyLimit(Answer):
    """A limit. `active_slots` is the number of `holders`."""

    id: UUID
    name: str
    kind: str
    subject: str
    limit: int
    active: bool = True
    active_slots: int = 0
    holders: list[UUID] = Field(default_factory=list)


def limit_id(name: str) -> UUID:
    """The id of the limit of that name."""
    return uuid5(_NAMESPACE, name)
