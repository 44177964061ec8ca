"""What people and engines change in a flow run that is there: its name, tags, labels, parameters; and its deletion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from chalicelib.domain import parameters
from chalicelib.domain.access import Caller
from chalicelib.domain.errors import Conflict, WrongState
from chalicelib.domain.run_limits import may_need
from chalicelib.domain.runs import Run
from chalicelib.services import job_variables
from chalicelib.services.large_parameters import LargeParameters
from chalicelib.services.lines import Lines
from chalicelib.services.ports import Ports
from headrace.contract.sizes import SMALL_JSON
from headrace.contract.states import StateType


class RunEdits:
    """Use cases that change or delete a run."""

    def __init__(self, ports: Ports, lines: Lines, large: LargeParameters) -> None:
        self._ports = ports
        self._lines = lines
        self._large = large

    def label(self, run_id: UUID, labels: Mapping[str, object]) -> None:
        """Add labels to a run, in place of those of the same names."""

        def how(run: Run) -> Run | None:
            merged = {**run.labels, **labels}
            parameters.check_size(merged, "labels", SMALL_JSON)
            return replace(run, labels=merged, updated=self._ports.clock()) if merged != run.labels else None

        self._ports.runs.change(run_id, how)

    def update(self, run_id: UUID, changes: Mapping[str, object], caller: Caller) -> Run:
        """Change what a person or an engine may change of a run: its name, tags, parameters before it starts..."""

        def how(run: Run) -> Run:
            if "parameters" in changes and run.state.type is not StateType.SCHEDULED:
                raise WrongState(f"The parameters of a {run.state.type.value} run cannot be changed.")
            if "parameters" in changes:
                self._large.check_change(run, changes["parameters"])  # type: ignore[arg-type]
                run = replace(run, parameters_digest=None, parameters_size=None)
            given: Mapping[str, object] = changes.get("job_variables") or {}  # type: ignore[assignment]
            job_variables.check_for(self._ports, run.work_pool_name, given, caller)
            after = replace(run, **changes, updated=self._ports.clock())  # type: ignore[arg-type]
            # Nobody looks for it in the line of a limit that it is no longer under: the claim judges it anew.
            return replace(after, line=None) if after.line and not may_need(after, after.line) else after

        before, after = self._ports.runs.change(run_id, how)
        if before.parameters_digest and not after.parameters_digest:
            self._large.forget(run_id)
        if before.line and not after.line:
            self._lines.ring([after])
        elif not set(before.tags) <= set(after.tags):
            self._lines.leave(before)
        return after

    def delete(self, run_id: UUID) -> None:
        """Delete a run that no worker holds. Raises `Conflict` while one does."""
        run = self._ports.runs.read(run_id)
        if run is None:
            self._ports.runs.sweep(run_id)  # what an earlier call that broke off has left
            self._large.forget(run_id)
            run = self._ports.runs.require(run_id)
        if run.is_held and run.session is not None:
            raise WrongState(
                f"Flow run {run.name!r} is {run.state.type.value}: a worker holds it.",
                hint=f"Cancel it first: `headrace flow-run cancel {run_id}`.",
            )
        if not self._ports.runs.delete(run):
            raise Conflict(
                f"Flow run {run.name!r} changed at the same moment.", code="busy", hint="Try again."
            )
        if run.parameters_digest:
            self._large.forget(run_id)
        self._lines.leave(run)
