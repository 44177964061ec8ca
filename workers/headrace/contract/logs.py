"""Log records of flow runs."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from pydantic import Field

from headrace.contract.base import And, Answer, ListRequest, Request, Time


class LogCreate(Request):
    """One member of `POST /logs/`."""

    name: str = Field(max_length=300)
    level: int = Field(ge=0, le=1000)
    message: str
    timestamp: Time
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None
    worker_id: UUID | None = None


class Log(Answer):
    """A log record, as read."""

    id: UUID
    created: Time
    updated: Time
    name: str
    level: int
    message: str
    timestamp: Time
    flow_run_id: UUID
    task_run_id: UUID | None = None


class LogSort(StrEnum):
    """Order of a list of records."""

    TIMESTAMP_ASC = "TIMESTAMP_ASC"
    TIMESTAMP_DESC = "TIMESTAMP_DESC"


class IdFilter(Request):
    """Records of these runs."""

    any_: list[UUID] | None = Field(default=None, max_length=10)


class LevelFilter(Request):
    """Records at least, or at most, as severe."""

    ge_: int | None = None
    le_: int | None = None


class LogTimeRange(Request):
    """Records from `after_` to `before_`, both included."""

    after_: Time | None = None
    before_: Time | None = None


class LogFilter(Request):
    """Filter of log records; the flow run must be named."""

    operator: And = "and_"
    flow_run_id: IdFilter | None = None
    task_run_id: IdFilter | None = None
    level: LevelFilter | None = None
    timestamp: LogTimeRange | None = None
    text: None = None


class LogList(ListRequest):
    """`POST /logs/filter`. Records are small: a page may have more of them than one of other lists."""

    limit: int = Field(default=200, ge=1, le=1000)
    logs: LogFilter | None = None
    sort: LogSort = LogSort.TIMESTAMP_ASC
