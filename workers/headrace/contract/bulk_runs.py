"""Many flow runs made by one request."""

from __future__ import annotations

from enum import StrEnum
from typing import Self
from uuid import UUID

from pydantic import Field, model_validator

from headrace.contract.base import Answer, Json, Name, Request, SmallJson, Tags, Time
from headrace.contract.states import StateType

MOST_RUNS = 1000
"""Runs of one request."""
KEY_LENGTH = 400
"""Characters of the request's key; with a row's number behind it, it stays as long as a run's may be."""


class BulkOccurrence(Request):
    """A past occurrence of a schedule, by its moment before jitter: the run gets that occurrence's one id."""

    schedule_slug: Name
    time: Time


class BulkRun(Request):
    """One run of many. `scheduled_time` is when it is due, now if left out.

    Its own `idempotency_key` finds what `create_flow_run` made with the same one; an `occurrence` needs none.
    """

    name: Name | None = None
    parameters: Json = Field(default_factory=dict)
    scheduled_time: Time | None = None
    tags: Tags
    labels: SmallJson | None = None
    job_variables: SmallJson | None = None
    work_queue_name: Name | None = None
    idempotency_key: str | None = Field(default=None, min_length=1, max_length=500)
    occurrence: BulkOccurrence | None = None

    @model_validator(mode="after")
    def _is_known_by_one_thing(self) -> Self:
        if self.occurrence and self.idempotency_key is not None:
            raise ValueError("an occurrence has an id already: give no idempotency_key with it")
        return self


class BulkCreate(Request):
    """`POST /deployments/{id}/create_flow_runs`: up to 1,000 runs; one wrong row refuses all.

    The request's `idempotency_key` stands for each row that has none of its own, so that the same request
    again makes those runs alone that are not there yet.
    """

    flow_runs: list[BulkRun] = Field(min_length=1, max_length=MOST_RUNS)
    idempotency_key: str | None = Field(default=None, min_length=1, max_length=KEY_LENGTH)
    enforce_parameter_schema: bool | None = None

    @model_validator(mode="after")
    def _can_be_repeated(self) -> Self:
        if self.idempotency_key is None and not all(
            row.idempotency_key is not None or row.occurrence for row in self.flow_runs
        ):
            raise ValueError(
                "an idempotency_key is needed, of the request or of every row: "
                "without one, a request whose answer is lost could not be repeated"
            )
        return self


class Outcome(StrEnum):
    """What became of a row."""

    MADE = "made"
    FOUND = "found"


class BulkRow(Answer):
    """The run of a row, in the order of the request."""

    id: UUID
    name: str
    outcome: Outcome
    state_type: StateType
    state_name: str


class BulkAnswer(Answer):
    """All rows: 201 if any run was made, 200 if all were found."""

    made: int
    found: int
    flow_runs: list[BulkRow]
