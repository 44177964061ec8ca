"""Flow runs: made, cancelled, started again. What people change in them: `run_edits`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from chalicelib.dispatch.queues import LONGEST_DELAY
from chalicelib.domain import names, parameters, runs
from chalicelib.domain.access import NOBODY, Caller
from chalicelib.domain.deployments import Deployment
from chalicelib.domain.drafts import draft
from chalicelib.domain.eligibility import EARLY, Answer, judge
from chalicelib.domain.errors import FieldProblem, Invalid, NotFound
from chalicelib.domain.pools import PoolView, Session, WorkQueue
from chalicelib.domain.runs import Run, State
from chalicelib.domain.transitions import Cause
from chalicelib.services import job_variables
from chalicelib.services.dropping import retention
from chalicelib.services.facts import gather
from chalicelib.services.large_parameters import LargeParameters
from chalicelib.services.lines import Lines
from chalicelib.services.numbering import deployment_of
from chalicelib.services.ports import Ports
from headrace.contract.states import DEFAULT_NAME, StateType


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a new run shall be, beside what its deployment says."""

    name: str | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    tags: Sequence[str] = ()
    labels: Mapping[str, object] = field(default_factory=dict)
    job_variables: Mapping[str, object] = field(default_factory=dict)
    due: datetime | None = None
    idempotency_key: str | None = None
    work_queue_name: str | None = None
    enforce_schema: bool | None = None
    parent_task_run_id: UUID | None = None
    parent_flow_run_id: UUID | None = None
    parent_attempt: int = 0
    traceparent: str | None = None
    caller: Caller = NOBODY


@dataclass(frozen=True, slots=True)
class Proposed:
    """A state that somebody wants a run to be in."""

    type: StateType
    name: str | None = None
    message: str | None = None
    scheduled_time: datetime | None = None
    data: object | None = None


class Runs:
    """Use cases of flow runs."""

    def __init__(self, ports: Ports, lines: Lines, large: LargeParameters) -> None:
        self._ports = ports
        self._lines = lines
        self._large = large

    def create(self, deployment_id: UUID, wanted: Wanted, full_name: str | None = None) -> tuple[Run, bool]:
        """A run of a deployment: made (True), or found by its idempotency key (False)."""
        deployment = deployment_of(self._ports, deployment_id, full_name)
        job_variables.check_for(self._ports, deployment.work_pool_name, wanted.job_variables, wanted.caller)
        run = self.draft(deployment, wanted)
        if run.work_pool_name is None:
            return self._store(run, None)
        if _needs_no_look(run, deployment, wanted):
            return self._store(run, deployment.work_queue_url)
        view, queue = self._place(run)
        if run.due <= run.created + EARLY:
            judgement = judge(run, gather(self._ports, view, [run]))
            run = replace(run, line=judgement.line if judgement.answer is Answer.LINE else None)
        return self._store(run, queue.url)

    def create_bare(self, flow_id: UUID, wanted: Wanted, state: Proposed | None) -> tuple[Run, bool]:
        """A run without a deployment, whose engine proposes its states; no worker ever starts it."""
        flow = self._ports.deployments.flow(flow_id)
        if flow is None:
            raise NotFound(f"There is no flow {flow_id}.", hint="`headrace flow ls` lists them.")
        now = self._ports.clock()
        first = state or Proposed(StateType.PENDING)
        if first.type not in (StateType.SCHEDULED, StateType.PENDING):
            problem = FieldProblem("state.type", f"is {first.type.value}", "SCHEDULED or PENDING")
            raise Invalid(f"A new run cannot begin as {first.type.value}.", errors=[problem])
        parameters.check_size(wanted.parameters, "parameters")
        due = first.scheduled_time or now
        run = Run(
            id=self._id(flow_id, wanted),
            name=wanted.name or self._ports.new_name(),
            flow_name=flow.name,
            flow_id=flow_id,
            created=now,
            updated=now,
            due=due,
            listed_at=due,
            state=State(first.type, now, first.name or DEFAULT_NAME[first.type], first.message),
            parameters=wanted.parameters,
            tags=tuple(dict.fromkeys(wanted.tags)),
            labels=wanted.labels,
            idempotency_key=wanted.idempotency_key,
            parent_task_run_id=wanted.parent_task_run_id,
        )
        if first.type is StateType.PENDING:
            run = replace(run, attempt=1, attempts=(runs.Attempt(1),))
        return self._store(run, None)

    def read(self, run_id: UUID) -> Run:
        """One run; large parameters are left where they are (see `whole`). Raises `NotFound`."""
        return self._ports.runs.require(run_id)

    def whole(self, run: Run) -> Run:
        """A run with all its parameters (see `LargeParameters`)."""
        return self._large.whole(run)

    def parameters_url(self, run: Run, host: str | None) -> str:
        """Where its large parameters are (see `LargeParameters`)."""
        return self._large.address(run, host)

    def cancel(self, run_id: UUID, reason: str | None = None) -> Run:
        """Cancel: at once what only waits, by its worker what is held. Raises `WrongState` for what is over."""
        now = self._ports.clock()

        def how(run: Run) -> Run | None:
            if run.state.type is StateType.CANCELLING:
                return None
            if run.is_held and run.session is not None:
                moved = runs.move(run, StateType.CANCELLING, Cause.USER, now, message=reason)
                return replace(moved, cancel_reason=reason)
            if run.is_held:
                run = runs.move(run, StateType.CANCELLING, Cause.USER, now)
                return self._over(runs.ended(run, StateType.CANCELLED, Cause.LEASE, now, message=reason))
            return self._over(runs.ended(run, StateType.CANCELLED, Cause.USER, now, message=reason))

        before, after = self._ports.runs.change(run_id, how)
        if after.state.type is StateType.CANCELLING:
            self.order_cancel(after)
        elif before.slots:
            self._lines.promote(before.slots)
        return after

    def order_cancel(self, run: Run) -> None:
        """Tell the worker of a run that is CANCELLING now, and have its next sync tell it again."""
        if run.session is None:
            return
        now = self._ports.clock()

        def how(value: Session) -> Session | None:
            return replace(value, orders=value.orders | {run.id}) if run.id not in value.orders else None

        changed = self._ports.sessions.change(run.session, now, how)
        if changed:
            command = {"kind": "cancel", "run": str(run.id), "attempt": run.attempt}
            self._ports.queues.order(changed.control_queue_url, command)

    def retention(self) -> datetime:
        """When what ends now may be forgotten."""
        return retention(self._ports)

    def draft(self, deployment: Deployment, wanted: Wanted) -> Run:
        """A new run as its deployment says, not written yet. Raises for parameters that do not fit."""
        now = self._ports.clock()
        enforce = wanted.enforce_schema
        values = parameters.of_run(
            deployment.parameter_openapi_schema,
            deployment.parameters,
            wanted.parameters,
            enforce=deployment.enforce_parameter_schema if enforce is None else enforce,
        )
        run = draft(
            deployment,
            self._id(deployment.id, wanted),
            wanted.due or now,
            now,
            name=wanted.name or self._ports.new_name(),
            parameters=values,
            tags=wanted.tags,
        )
        return replace(
            run,
            work_queue_name=wanted.work_queue_name or run.work_queue_name,
            labels=wanted.labels,
            job_variables=wanted.job_variables,
            idempotency_key=wanted.idempotency_key,
            parent_task_run_id=wanted.parent_task_run_id,
            parent_flow_run_id=wanted.parent_flow_run_id,
            parent_attempt=wanted.parent_attempt,
            traceparent=wanted.traceparent,
        )

    def _id(self, scope: UUID, wanted: Wanted) -> UUID:
        key = wanted.idempotency_key
        return self._ports.new_id() if key is None else names.keyed_run_id(scope, key)

    def _place(self, run: Run) -> tuple[PoolView, WorkQueue]:
        view = self._ports.pools.view(run.work_pool_name or "")
        queue = view.queues.get(run.work_queue_name or "") if view else None
        if view is None or queue is None:
            raise NotFound(
                f"Work queue {run.work_queue_name!r} of pool {run.work_pool_name!r} does not exist.",
                hint="`headrace work-queue ls` lists them.",
            )
        return view, queue

    def _store(self, run: Run, url: str | None) -> tuple[Run, bool]:
        run = self._large.put_away(run)
        if not self._ports.runs.create(run):
            return self._ports.runs.require(run.id), False
        if run.line:
            self._queue_still_there(run)
            self._lines.promote([run.line])
        elif url and not self._ports.queues.ring(url, run.id, run.due, self._ports.clock()):
            queue = self._queue_still_there(run)  # the one that the deployment knew is gone
            self._ports.queues.ring(queue.url, run.id, run.due, self._ports.clock())
        return run, True

    def _queue_still_there(self, run: Run) -> WorkQueue:
        """The queue of a run just made. Where it was deleted meanwhile the run is taken back: `NotFound`."""
        try:
            return self._place(run)[1]
        except NotFound:
            if self._ports.runs.delete(run) and run.parameters_digest:
                self._large.forget(run.id)
            raise

    def _over(self, run: Run) -> Run:
        return replace(run, expires_at=self.retention())


def _needs_no_look(run: Run, deployment: Deployment, wanted: Wanted) -> bool:
    """Whether nothing can stand in the way of a new run that the pool knows and the deployment does not."""
    return bool(
        deployment.work_queue_url
        and wanted.work_queue_name is None
        and deployment.concurrency_limit is None
        and not (deployment.paused or run.tags)
        and run.due <= run.created + LONGEST_DELAY
    )
