"""Flows: the names under which runs are grouped."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from headrace.contract.base import Answer, Json, ListRequest, Name, Request, SmallJson, Tags, Time
from headrace.contract.work_pools import NameFilter


class FlowCreate(Request):
    """`POST /flows/`: made (201), or found by name (200)."""

    name: Name
    tags: Tags
    labels: SmallJson | None = Field(default_factory=dict)


class Flow(Answer):
    """A flow known to the control plane."""

    id: UUID
    created: Time
    updated: Time
    name: str
    tags: list[str] = Field(default_factory=list)
    labels: Json = Field(default_factory=dict)


class FlowList(ListRequest):
    """`POST /flows/filter`. The other members are accepted as Prefect's client sends them, empty."""

    flows: NameFilter | None = None
    flow_runs: None = None
    task_runs: None = None
    deployments: None = None
    work_pools: None = None
    work_queues: None = None
    sort: str | None = None
