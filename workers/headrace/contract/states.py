"""The types and well-known names of a flow run's state. Standard library only: the domain uses it too."""

from __future__ import annotations

from enum import StrEnum


class StateType(StrEnum):
    """What kind of state a run is in; which may follow which is `chalicelib/domain/transitions.py`."""

    SCHEDULED = "SCHEDULED"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    CANCELLING = "CANCELLING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CRASHED = "CRASHED"
    CANCELLED = "CANCELLED"


class StateName(StrEnum):
    """Names that refine a type; a run may also carry a name of the user's own."""

    SCHEDULED = "Scheduled"
    LATE = "Late"
    AWAITING_RETRY = "AwaitingRetry"
    PENDING = "Pending"
    RUNNING = "Running"
    RETRYING = "Retrying"
    PAUSED = "Paused"
    CANCELLING = "Cancelling"
    COMPLETED = "Completed"
    FAILED = "Failed"
    TIMED_OUT = "TimedOut"
    CRASHED = "Crashed"
    CANCELLED = "Cancelled"
    SKIPPED = "Skipped"


DEFAULT_NAME: dict[StateType, StateName] = {
    StateType.SCHEDULED: StateName.SCHEDULED,
    StateType.PENDING: StateName.PENDING,
    StateType.RUNNING: StateName.RUNNING,
    StateType.PAUSED: StateName.PAUSED,
    StateType.CANCELLING: StateName.CANCELLING,
    StateType.COMPLETED: StateName.COMPLETED,
    StateType.FAILED: StateName.FAILED,
    StateType.CRASHED: StateName.CRASHED,
    StateType.CANCELLED: StateName.CANCELLED,
}
"""The name that a state has when nobody gave it another."""

ENDED = frozenset({StateType.COMPLETED, StateType.FAILED, StateType.CRASHED, StateType.CANCELLED})
"""States that a run only leaves when a person repeats it: what the table of transitions comes to."""
