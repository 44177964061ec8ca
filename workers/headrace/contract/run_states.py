"""A state of a run, as answers tell it. Apart from the other models of runs, which a worker does not need."""

from __future__ import annotations

from uuid import UUID

from pydantic import ConfigDict, Field

from headrace.contract.base import Answer, Request, Time
from headrace.contract.states import StateType


class StateDetails(Request):
    """What a state says besides its type; members that Prefect's client sends and we do not use are kept out."""

    scheduled_time: Time | None = None
    pause_timeout: Time | None = None
    pause_reschedule: bool = False
    transition_id: UUID | None = None
    flow_run_id: UUID | None = None
    task_run_id: UUID | None = None

    model_config = ConfigDict(extra="ignore")


class State(Answer):
    """A state that a run is or was in."""

    id: UUID
    type: StateType
    name: str
    timestamp: Time
    message: str | None = None
    data: object | None = None
    state_details: StateDetails = Field(default_factory=StateDetails)
