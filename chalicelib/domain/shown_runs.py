"""How runs are shown: where each stands in lists, and what its state is called."""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.names import stamp
from chalicelib.domain.runs import Run
from chalicelib.domain.schedules import is_late
from headrace.contract.states import StateName, StateType


def place(run: Run) -> str:
    """A run's place in lists."""
    return f"{stamp(run.listed_at)}#{run.id}"


def shown_name(run: Run, now: datetime) -> str:
    """The state's name as people see it: a waiting run past its time is Late."""
    if (
        run.state.type is StateType.SCHEDULED
        and run.state.name == StateName.SCHEDULED
        and is_late(run.due, now)
    ):
        return StateName.LATE
    return run.state.name
