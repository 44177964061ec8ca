"""Proposals: somebody wants a run to be in another state, and the table of transitions decides."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from chalicelib.domain import runs, transitions
from chalicelib.domain.errors import WrongState
from chalicelib.domain.runs import Run
from chalicelib.domain.transitions import Cause
from chalicelib.services.lines import Lines
from chalicelib.services.ports import Ports
from chalicelib.services.runs import Proposed, Runs
from chalicelib.services.strays import Strays
from headrace.contract.states import StateName, StateType


class Proposals:
    """The use case behind `set_state`."""

    def __init__(self, ports: Ports, lines: Lines, strays: Strays, run_service: Runs) -> None:
        self._ports = ports
        self._lines = lines
        self._strays = strays
        self._runs = run_service

    def set_state(self, run_id: UUID, wanted: Proposed, force: bool) -> tuple[bool, Run, str]:
        """Propose a state: (accepted, the run afterwards, why not). A refusal is an answer, not an error."""
        try:
            return self._propose(run_id, wanted, force)
        except WrongState as error:
            return False, self._ports.runs.require(run_id), f"{error.message} {error.hint or ''}".strip()

    def _propose(self, run_id: UUID, wanted: Proposed, force: bool) -> tuple[bool, Run, str]:
        run = self._ports.runs.require(run_id)
        if run.work_pool_name is None and run.is_held:
            return True, self._bare_move(run_id, wanted), ""
        if run.work_pool_name is None and wanted.type in (StateType.PENDING, StateType.RUNNING):
            return True, self._bare_move(run_id, wanted), ""
        if wanted.type in (StateType.CANCELLING, StateType.CANCELLED) and not run.is_terminal:
            after = self._runs.cancel(run_id, wanted.message)
            self._lines.leave(run)
            reason = (
                "The run was waiting and is cancelled at once." if not run.is_held else "Its worker is told."
            )
            return after.state.type is wanted.type, after, reason
        if wanted.type is StateType.SCHEDULED and run.is_terminal:
            if not force:
                text = f"The run is over ({run.state.type.value})."
                raise WrongState(text, hint="Say force to start it again, or `headrace flow-run retry`.")
            return True, self._rerun(run, wanted), ""
        if wanted.type is StateType.SCHEDULED and not run.is_held:
            after = self._reschedule(run_id, wanted)
            self._lines.leave(run)
            return True, after, ""
        raise transitions.refusal(run.state.type, wanted.type, Cause.USER)

    def _reschedule(self, run_id: UUID, wanted: Proposed) -> Run:
        """Another due time or name for a run that waits or is paused."""
        now = self._ports.clock()

        def how(run: Run) -> Run:
            due = wanted.scheduled_time or (now if run.state.type is StateType.PAUSED else run.due)
            return runs.back_to_scheduled(
                run, Cause.USER, now, due=due, name=wanted.name, message=wanted.message
            )

        return self._strays.back(self._ports.runs.change(run_id, how)[1])

    def _rerun(self, run: Run, wanted: Proposed) -> Run:
        """Start a finished run again: same id, new attempt. Raises `WrongState` where nothing could start it."""
        now = self._ports.clock()
        if run.deployment_id is not None and self._ports.deployments.read(run.deployment_id) is None:
            raise _gone(
                f"deployment '{run.flow_name}/{run.deployment_name}'", "Deploy it again, and start a new run."
            )
        if run.work_pool_name is not None and self._ports.pools.pool(run.work_pool_name) is None:
            raise _gone(
                f"work pool {run.work_pool_name!r}", "Deploy it to another pool, and start a new run."
            )

        def how(found: Run) -> Run:
            again = runs.back_to_scheduled(
                found,
                Cause.RERUN,
                now,
                wanted.scheduled_time or now,
                name=StateName.AWAITING_RETRY,
                message=wanted.message,
            )
            return replace(again, run_count=0, lost_count=0, end_time=None, expires_at=None)

        return self._strays.back(self._ports.runs.change(run.id, how)[1])

    def _bare_move(self, run_id: UUID, wanted: Proposed) -> Run:
        """A run that no worker holds is moved by its own engine, along the same table."""
        now = self._ports.clock()

        def how(run: Run) -> Run:
            to = wanted.type
            if to is StateType.PENDING:
                return replace(runs.claimed(run, run.id, "", (), now), session=None)
            if to is StateType.RUNNING:
                return runs.started(run, now, now, None, 0)
            if to in transitions.TERMINAL:
                if to is StateType.CANCELLED and run.state.type is not StateType.CANCELLING:
                    run = runs.move(run, StateType.CANCELLING, Cause.USER, now)
                after = runs.ended(
                    run, to, Cause.REPORT, now, name=wanted.name, message=wanted.message, result=wanted.data
                )
                return replace(after, expires_at=self._runs.retention())
            cause = Cause.USER if to is StateType.CANCELLING else Cause.REPORT
            return runs.move(run, to, cause, now, name=wanted.name, message=wanted.message)

        return self._ports.runs.change(run_id, how)[1]


def _gone(what: str, hint: str) -> WrongState:
    return WrongState(f"The run cannot start again: its {what} was deleted.", hint=hint)
