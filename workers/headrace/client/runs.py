"""Flow runs and their logs."""

from __future__ import annotations

from uuid import UUID

from pydantic import RootModel

from headrace.client.parameters import with_parameters
from headrace.client.resource import Made, Page, Resource, at
from headrace.contract.flow_runs import (
    BareFlowRunCreate,
    FlowRun,
    FlowRunList,
    FlowRunUpdate,
    SetState,
    SetStateAnswer,
    StateCreate,
)
from headrace.contract.logs import IdFilter, Log, LogCreate, LogFilter, LogList
from headrace.contract.states import StateType
from headrace.contract.system import Explanation


class Runs(Resource):
    """`/flow_runs`."""

    def create(self, body: BareFlowRunCreate) -> Made[FlowRun]:
        """Create a run without a deployment (a subflow)."""
        return self._make(FlowRun, "/flow_runs/", body, safe=body.idempotency_key is not None)

    def read(self, run_id: UUID) -> FlowRun:
        """One run, with all its parameters."""
        return with_parameters(self._get(FlowRun, at("flow_runs", run_id)))

    def list(self, request: FlowRunList | None = None) -> Page[FlowRun]:
        """A page of runs."""
        return self._page(FlowRun, "/flow_runs/filter", request or FlowRunList())

    def update(self, run_id: UUID, body: FlowRunUpdate) -> None:
        """Change the members given."""
        self._patch(at("flow_runs", run_id), body)

    def delete(self, run_id: UUID) -> None:
        """Delete a run with its logs."""
        self._delete(at("flow_runs", run_id))

    def set_state(self, run_id: UUID, body: SetState) -> SetStateAnswer:
        """Propose a state; the answer says whether it was taken and what the run's state is now."""
        answer: SetStateAnswer = self._post(SetStateAnswer, at("flow_runs", run_id, "set_state"), body)
        return answer

    def cancel(self, run_id: UUID, message: str | None = None) -> SetStateAnswer:
        """Ask for the end of a run: a waiting one is cancelled at once, a running one by its worker."""
        state = StateCreate(type=StateType.CANCELLING, message=message)
        path = at("flow_runs", run_id, "set_state")
        answer: SetStateAnswer = self._post(SetStateAnswer, path, SetState(state=state), safe=True)
        return answer

    def why(self, run_id: UUID) -> Explanation:
        """Why the run is not running: one sentence, with facts."""
        return self._get(Explanation, at("flow_runs", run_id, "why"))


class Logs(Resource):
    """`/logs`."""

    def create(self, records: list[LogCreate]) -> None:
        """Store records."""
        self._transport.send("POST", "/logs/", RootModel[list[LogCreate]](records))

    def list(self, request: LogList) -> Page[Log]:
        """A page of records; the filter must name the run."""
        return self._page(Log, "/logs/filter", request)

    def of_run(self, run_id: UUID, *, cursor: str | None = None, limit: int = 1000) -> Page[Log]:
        """A page of one run's records, oldest first."""
        run = LogFilter(flow_run_id=IdFilter(any_=[run_id]))
        request = LogList(logs=run, limit=limit)
        return self.list(request if cursor is None else request.model_copy(update={"cursor": cursor}))
