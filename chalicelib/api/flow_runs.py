"""Routes of flow runs."""

from __future__ import annotations

import re
from uuid import UUID

from chalicelib.api import cursors, render, render_work
from chalicelib.api.endpoint import Call, Found, endpoint
from chalicelib.api.pages import Page
from chalicelib.api.queries import given, only_names, texts, uuids
from chalicelib.api.whole_runs import whole
from chalicelib.domain.access import Need
from chalicelib.domain.errors import FieldProblem, Invalid
from chalicelib.domain.names import deployment_id as id_of
from chalicelib.domain.shown_runs import place
from chalicelib.services.run_lists import RunQuery
from chalicelib.services.runs import Proposed, Wanted
from headrace.contract import flow_runs as wire
from headrace.contract import system as system_wire
from headrace.contract.base import Labels

PLACE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z#[0-9a-f-]{36}")
"""A run's place in a list."""
_NOT_NULL = {"name", "parameters", "tags"}


@endpoint(
    "POST",
    "/flow_runs",
    body=wire.BareFlowRunCreate,
    answer=wire.FlowRun,
    status=201,
    needs=Need.OPERATE,
)
def create(call: Call[wire.BareFlowRunCreate]) -> Found:
    """Make a run without a deployment (a subflow)."""
    body = call.body
    wanted = Wanted(
        name=body.name,
        parameters=body.parameters,
        tags=body.tags,
        labels=body.labels or {},
        idempotency_key=body.idempotency_key,
        parent_task_run_id=body.parent_task_run_id,
    )
    run, made = call.plane.runs.create_bare(
        body.flow_id, wanted, _proposed(body.state) if body.state else None
    )
    return Found(_shown(call, run), 201 if made else 200)


@endpoint("GET", "/flow_runs/{run_id}", answer=wire.FlowRun, needs=Need.VIEW)
def read(call: Call[None], run_id: UUID) -> wire.FlowRun:
    """One run."""
    return whole(call, call.plane.runs.read(run_id))


@endpoint("PATCH", "/flow_runs/{run_id}", body=wire.FlowRunUpdate, needs=Need.OPERATE)
def update(call: Call[wire.FlowRunUpdate], run_id: UUID) -> None:
    """Change the members given."""
    changes = given(call.body, leave_out={"empirical_policy"}, not_null=_NOT_NULL)
    if changes.get("job_variables", {}) is None:
        changes["job_variables"] = {}
    call.plane.run_edits.update(run_id, changes, call.caller)


@endpoint("PATCH", "/flow_runs/{run_id}/labels", body=Labels, needs=Need.OPERATE)
def label(call: Call[dict[str, object]], run_id: UUID) -> None:
    """Add labels to a run; one of a name that it has is replaced."""
    call.plane.run_edits.label(run_id, call.body)


@endpoint("DELETE", "/flow_runs/{run_id}", needs=Need.DEPLOY)
def delete(call: Call[None], run_id: UUID) -> None:
    """Delete a run with its log."""
    call.plane.run_edits.delete(run_id)


@endpoint(
    "POST",
    "/flow_runs/{run_id}/set_state",
    body=wire.SetState,
    answer=wire.SetStateAnswer,
    status=201,
    needs=Need.OPERATE,
)
def set_state(call: Call[wire.SetState], run_id: UUID) -> wire.SetStateAnswer:
    """Propose a state; the answer says ACCEPT or REJECT, and the state that the run has then."""
    accepted, run, reason = call.plane.proposals.set_state(
        run_id, _proposed(call.body.state), call.body.force
    )
    now = call.plane.ports.clock()
    details: dict[str, object] = {"type": "accept_details" if accepted else "reject_details"}
    if not accepted:
        details["reason"] = reason
    return wire.SetStateAnswer(
        status=wire.SetStateStatus.ACCEPT if accepted else wire.SetStateStatus.REJECT,
        state=render_work.state(run, run.state, now),
        details=details,
    )


@endpoint("POST", "/flow_runs/filter", body=wire.FlowRunList, answer=list[wire.FlowRun], needs=Need.VIEW)
def page(call: Call[wire.FlowRunList]) -> Page:
    """A page of runs."""
    query = _query(call)
    found, cursor = call.plane.run_lists.page(query)
    return Page([_shown(call, run) for run in found], cursor, [place(run) for run in found])


@endpoint("GET", "/flow_runs/{run_id}/why", answer=system_wire.Explanation, needs=Need.VIEW)
def why(call: Call[None], run_id: UUID) -> system_wire.Explanation:
    """Why a run is not running, in one sentence with facts."""
    explanation = call.plane.why.why(run_id)
    return system_wire.Explanation(code=explanation.code, reason=explanation.reason, hint=explanation.hint)


def _proposed(state: wire.StateCreate) -> Proposed:
    return Proposed(state.type, state.name, state.message, state.state_details.scheduled_time, state.data)


def _shown(call: Call[object], run: object) -> wire.FlowRun:
    return render.run(run, call.plane.ports.clock())  # type: ignore[arg-type]


def _query(call: Call[wire.FlowRunList]) -> RunQuery:
    body = call.body
    runs = body.flow_runs or wire.FlowRunFilter()
    state = runs.state or wire.StateFilter()
    types = state.type or wire.StateTypeFilter()
    tags = runs.tags or wire.TagFilter()
    times = runs.expected_start_time or wire.TimeRange()
    flows = body.flows
    if times.after_ and times.before_ and times.after_ > times.before_:
        problem = FieldProblem("flow_runs.expected_start_time.before_", "lies before after_", "a later time")
        raise Invalid("The period ends before it begins.", errors=[problem])
    return RunQuery(
        limit=body.limit,
        after=cursors.check(body.cursor, PLACE),
        skip=body.offset,
        forward=body.sort is wire.RunSort.EXPECTED_START_TIME_ASC,
        ids=uuids(runs.id, "flow_runs.id"),
        deployments=_deployments(body, runs),
        deployment_names=texts(body.deployments.name) if body.deployments else None,
        flow_names=texts(flows.name) if flows else None,
        flow_ids=uuids(flows.id, "flows.id") if flows else None,
        names=texts(runs.name),
        states=frozenset(types.any_) if types.any_ is not None else None,
        not_states=frozenset(types.not_any_ or ()),
        state_names=texts(state.name),
        tags_all=tags.all_ or (),
        tags_any=tags.any_ or (),
        pools=only_names(body.work_pools),
        queues=only_names(body.work_pool_queues) if body.work_pool_queues else texts(runs.work_queue_name),
        since=times.after_,
        until=times.before_,
        now=call.plane.ports.clock(),
    )


def _deployments(body: wire.FlowRunList, runs: wire.FlowRunFilter) -> list[UUID] | None:
    if runs.deployment_id and runs.deployment_id.any_ is not None:
        return list(dict.fromkeys(runs.deployment_id.any_))
    if body.deployments is None:
        return None
    ids = uuids(body.deployments.id, "deployments.id")
    named = texts(body.deployments.name)
    if ids is None and named is not None and body.flows and body.flows.name and body.flows.name.any_:
        return [id_of(flow, name) for flow in body.flows.name.any_ for name in named]
    return ids
