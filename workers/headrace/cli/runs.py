"""Chooses flow runs by state, flow, deployment, place and tags, and cancels them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from typer import Exit

from headrace.cli.errors import FAILURE, BadUsage, CliError
from headrace.cli.lookup import deployment_reference, find_deployment
from headrace.cli.output import note, say
from headrace.contract.states import ENDED, StateName, StateType

if TYPE_CHECKING:
    from headrace.client.api import Api
    from headrace.contract.flow_runs import FlowRunList, SetStateAnswer

TYPES = {type_.value.lower(): type_ for type_ in StateType}
NAMES = {name.value.lower(): name for name in StateName}


@dataclass(frozen=True)
class Choice:
    """Which runs: by types or names of states (one kind of the two), flow, deployment, place and tags (all of them)."""

    types: tuple[StateType, ...] = ()
    names: tuple[StateName, ...] = ()
    flow_name: str | None = None
    deployment: str | None = None
    pool: str | None = None
    queue: str | None = None
    tags: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything was chosen at all."""
        return self != Choice()

    def going_on(self) -> Choice:
        """The same, without runs that are over unless a state was named."""
        if self.types or self.names:
            return self
        return replace(self, types=tuple(t for t in StateType if t not in ENDED))

    def request(self, api: Api) -> FlowRunList:
        """The body of the list request; looks the deployment up."""
        from headrace.contract.flow_runs import FlowRunList

        runs: dict[str, Any] = {}
        if self.types:
            runs["state"] = {"type": {"any_": list(self.types)}}
        if self.names:
            runs["state"] = {"name": {"any_": list(self.names)}}
        if self.deployment is not None:
            runs["deployment_id"] = {"any_": [find_deployment(api, self.deployment).id]}
        if self.tags:
            runs["tags"] = {"all_": list(self.tags)}
        body: dict[str, Any] = {"flow_runs": runs} if runs else {}
        if self.pool is not None:
            body["work_pools"] = {"name": {"any_": [self.pool]}}
        if self.queue is not None:
            body["work_pool_queues"] = {"name": {"any_": [self.queue]}}
        if self.flow_name is not None:
            body["flows"] = {"name": {"any_": [self.flow_name]}}
        return FlowRunList.model_validate(body)


def choose(states: list[str] | None, **options: Any) -> Choice:
    """Read what the options say, named like the members of a `Choice`; nothing is asked of the API yet."""
    tags = tuple(options.pop("tags", None) or ())
    choice = Choice(**options, tags=tags)
    if choice.deployment is not None:
        deployment_reference(choice.deployment)
    if choice.flow_name is not None and not choice.flow_name.strip():
        raise BadUsage("--flow-name is empty.", "See which flows there are: headrace flow ls")
    if choice.queue is not None and choice.pool is None:
        raise BadUsage("--queue names a queue of a pool.", "Say which pool: --pool NAME")
    types = tuple(TYPES[text.lower()] for text in states or [] if text.lower() in TYPES)
    names = tuple(NAMES[text.lower()] for text in states or [] if _only_a_name(text))
    for text in states or []:
        if text.lower() not in TYPES and text.lower() not in NAMES:
            known = ", ".join(sorted({*TYPES, *NAMES}))
            raise BadUsage(f"--state: there is no state {text!r}.", f"States: {known}.")
    if types and names:
        raise BadUsage(
            f"--state: {names[0].value} refines a type and cannot be asked for beside {types[0].value}.",
            "Ask for each in a command of its own.",
        )
    return replace(choice, types=types, names=names)


def _only_a_name(text: str) -> bool:
    return text.lower() in NAMES and text.lower() not in TYPES


@dataclass(frozen=True)
class Outcome:
    """What became of the wish to cancel one run, as it was named (`label`): its new state, or why not.

    `over`: it had come to its end before. `cancelled`: it was cancelled before, so there was nothing to do.
    """

    run_id: UUID
    label: str
    state: str | None = None
    problem: str | None = None
    over: bool = False
    cancelled: bool = False


def cancel_one(api: Api, run_id: UUID, named: str) -> Outcome:
    """Cancel a run; one that cannot be cancelled does not keep the others from it.

    `named` is what the run was called on the command line.
    """
    from headrace.client.errors import Conflict, NotFound

    label = str(run_id) if named.lower() == str(run_id) else f"{named!r} ({run_id})"
    try:
        before = api.runs.read(run_id).state_type
        answer = api.runs.cancel(run_id)
    except (Conflict, NotFound) as error:
        return Outcome(run_id, label, problem=error.message, over=isinstance(error, NotFound))
    if answer.state is not None and answer.state.type in (StateType.CANCELLING, StateType.CANCELLED):
        return Outcome(run_id, label, state=answer.state.name, cancelled=before is StateType.CANCELLED)
    over = answer.state is not None and answer.state.type in ENDED
    return Outcome(run_id, label, problem=_reason(answer), over=over)


def report_cancelled(outcomes: list[Outcome], *, named: bool, quiet: bool) -> None:
    """Say what became of each; one that could not be cancelled is a failure.

    Of those that were not `named`, what ended since they were chosen is what was wanted.
    """
    failed = [outcome for outcome in outcomes if outcome.problem is not None and (named or not outcome.over)]
    if not quiet:
        for outcome in outcomes:
            if outcome not in failed:
                _say_cancelled(outcome)
        if not outcomes:
            say("No such flow runs; nothing to cancel.")
    for outcome in failed:
        note(f"Error: {outcome.label}: {outcome.problem}")
    if failed:
        raise Exit(FAILURE)


def _say_cancelled(outcome: Outcome) -> None:
    if outcome.cancelled:
        say(f"{outcome.label} was {outcome.state} already.")
    elif outcome.problem is None:
        say(f"{outcome.label} is {outcome.state}.", "green")
    else:
        say(f"{outcome.label} ended before it could be cancelled.")


def check_accepted(answer: SetStateAnswer) -> None:
    """Fail when the proposed state was not taken."""
    from headrace.contract.flow_runs import SetStateStatus

    if answer.status is not SetStateStatus.ACCEPT:
        raise CliError(_reason(answer), "See what it does now: headrace flow-run inspect ID")


def _reason(answer: SetStateAnswer) -> str:
    reason = str(answer.details.get("reason") or "The run cannot do that now").rstrip(".")
    if answer.state is None or answer.state.type.value in reason:
        return f"{reason}."
    return f"{reason}. It is {answer.state.name}."
