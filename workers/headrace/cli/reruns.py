"""The runs of past occurrences that are there already and that a backfill starts again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headrace.cli.errors import CliError

if TYPE_CHECKING:
    from headrace.client.api import Api
    from headrace.contract.flow_runs import FlowRun
    from headrace.contract.schedules import Occurrence

KEPT = {"parameters": "--param", "work_queue_name": "--work-queue"}
"""What a run keeps for good, and the option that asks for another."""


def refuse_other(api: Api, again: Sequence[Occurrence], members: Mapping[str, Any]) -> None:
    """Raise `CliError` where runs that start again have other parameters or another queue than is asked for."""
    asked = {name: members[name] for name in KEPT if members.get(name)}
    for one in again if asked else ():
        if one.flow_run_id is None:
            continue
        run = api.runs.read(one.flow_run_id)
        for name, value in asked.items():
            if not _has(run, name, value):
                raise CliError(
                    f"Run {run.id} starts again with what it has: {KEPT[name]} holds for runs that are made.",
                    f"Leave {KEPT[name]} out, or have such runs made anew: `headrace flow-run delete {run.id}`.",
                )


def _has(run: FlowRun, name: str, value: Any) -> bool:
    if name == "parameters":
        return bool({**run.parameters, **value} == run.parameters)
    return bool(getattr(run, name) == value)


def start_again(api: Api, one: Occurrence, members: Mapping[str, Any]) -> bool:
    """Start an occurrence's run again, unless something else became of it since the backfill was planned.

    Its tags and job variables are brought up to what is asked for, before it can start.

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
    _bring_up(api, run, members)
    state = StateCreate(type=StateType.SCHEDULED, message="Started again by a backfill.")
    api.runs.set_state(run.id, SetState(state=state, force=True))
    return True


def _bring_up(api: Api, run: FlowRun, members: Mapping[str, Any]) -> None:
    from headrace.contract.flow_runs import FlowRunUpdate

    wanted = {
        "tags": list(dict.fromkeys([*run.tags, *members["tags"]])),
        "job_variables": {**run.job_variables, **members.get("job_variables", {})},
    }
    changes = {name: value for name, value in wanted.items() if value != getattr(run, name)}
    if changes:
        api.runs.update(run.id, FlowRunUpdate.model_validate(changes))
