"""The runs of past occurrences that are there already and that a backfill starts again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.client.api import Api
    from headrace.contract.schedules import Occurrence


def start_again(api: Api, one: Occurrence) -> bool:
    """Start an occurrence's run again, unless something else became of it since the backfill was planned.

    Somebody else's backfill may have run it meanwhile, and a run that succeeded must not be forced to run twice.
    """
    from headrace.client.errors import NotFound
    from headrace.contract.flow_runs import SetState, StateCreate
    from headrace.contract.states import StateType

    if one.flow_run_id is None:
        return False
    try:
        run = api.runs.read(one.flow_run_id)
    except NotFound:
        return False
    if (run.state_type, run.state_name) != (one.state_type, one.state_name):
        return False
    state = StateCreate(type=StateType.SCHEDULED, message="Started again by a backfill.")
    api.runs.set_state(run.id, SetState(state=state, force=True))
    return True
