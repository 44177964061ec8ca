"""Routes of deployments, and of starting a run of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from uuid import UUID

from chalicelib import tracing
from chalicelib.api import render
from chalicelib.api.endpoint import Call, Found, endpoint
from chalicelib.api.pages import Page
from chalicelib.api.queries import fate, given, only_names, texts, uuids
from chalicelib.api.requests import MAX_BATCH
from chalicelib.api.wishes import wishes
from chalicelib.domain import retry
from chalicelib.domain.access import Need
from chalicelib.domain.deployments import Deployment
from chalicelib.domain.errors import FieldProblem, Invalid
from chalicelib.services.numbering import By
from chalicelib.services.runs import Wanted
from headrace.contract import deployments as wire
from headrace.contract import flow_runs as run_wire
from headrace.contract import system as system_wire
from headrace.contract import work_pools as pool_wire
from headrace.contract.errors import FieldError
from headrace.contract.states import StateType

_NOT_STORED = {
    "name",
    "flow_id",
    "schedules",
    "storage_document_id",
    "infrastructure_document_id",
    "global_concurrency_limit_id",
    "concurrency_options",
    "retry_policy",
}
_NOT_NULL = {"paused", "parameters", "tags", "job_variables", "enforce_parameter_schema"}


@endpoint(
    "POST",
    "/deployments",
    body=wire.DeploymentCreate,
    answer=wire.Deployment,
    status=201,
    needs=Need.DEPLOY,
)
def create(call: Call[wire.DeploymentCreate]) -> Found:
    """Make a deployment, or bring the one of that name up to this."""
    body = call.body
    schedules = wishes(body.schedules or []) if "schedules" in body.model_fields_set else None
    deployment, made = call.plane.deployments.upsert(
        body.flow_id, body.name, _values(body), schedules, By(call.author)
    )
    return Found(shown(call, deployment), 201 if made else 200)


@endpoint(
    "POST",
    "/deployments/check",
    body=wire.DeploymentCheck,
    answer=list[wire.Refusal],
    status=200,
    max_body=MAX_BATCH,
    needs=Need.VIEW,
)
def check(call: Call[wire.DeploymentCheck]) -> Page:
    """Why deployments would be refused, all reasons at once; nothing is made."""
    return Page(
        [
            wire.Refusal(
                number=number,
                code=error.code,
                message=error.message,
                hint=error.hint,
                errors=[FieldError(**asdict(problem)) for problem in error.errors],
            )
            for number, one in enumerate(call.body.deployments)
            for error in call.plane.deployments.refusals(one.name, _values(one), wishes(one.schedules or []))
        ]
    )


@endpoint("GET", "/deployments/{deployment_id}", answer=wire.Deployment, needs=Need.VIEW)
def read(call: Call[None], deployment_id: UUID) -> wire.Deployment:
    """One deployment, by id."""
    return shown(call, call.plane.deployments.read(deployment_id))


@endpoint("GET", "/deployments/name/{flow}/{name}", answer=wire.Deployment, needs=Need.VIEW)
def read_by_name(call: Call[None], flow: str, name: str) -> wire.Deployment:
    """One deployment, by names."""
    return shown(call, call.plane.deployments.read_by_name(flow, name))


@endpoint(
    "PATCH",
    "/deployments/{deployment_id}",
    body=wire.DeploymentUpdate,
    needs=Need.DEPLOY,
    eased=frozenset({"paused", "concurrency_limit"}),
)
def update(call: Call[wire.DeploymentUpdate], deployment_id: UUID) -> None:
    """Change the members given."""
    body = call.body
    schedules = wishes(body.schedules or []) if "schedules" in body.model_fields_set else None
    call.plane.deployments.update(deployment_id, _values(body), schedules, By(call.author))


@endpoint("DELETE", "/deployments/{deployment_id}", query=pool_wire.DeleteOptions, needs=Need.DEPLOY)
def delete(call: Call[None], deployment_id: UUID) -> None:
    """Delete a deployment with its schedules."""
    call.plane.deployments.delete(deployment_id, fate(call.query))


@endpoint(
    "POST",
    "/deployments/filter",
    body=wire.DeploymentList,
    answer=list[wire.Deployment],
    needs=Need.VIEW,
)
def page(call: Call[wire.DeploymentList]) -> Page:
    """A page of deployments, by full name."""
    body = call.body
    ids = uuids(body.deployments.id, "deployments.id") if body.deployments else None
    named = texts(body.deployments.name) if body.deployments else None
    pools = only_names(body.work_pools)
    flows = _flow_names(call, body)
    cursor = None
    if ids is not None:
        found = call.plane.deployments.by_ids(ids)[body.offset : body.offset + body.limit]
    else:
        found, cursor = call.plane.deployments.page(body.cursor, body.limit, flows, body.offset)
    found = [
        deployment
        for deployment in found
        if (named is None or deployment.name in named)
        and (pools is None or deployment.work_pool_name in pools)
        and (flows is None or deployment.flow_name in flows)
    ]
    places = [deployment.full_name for deployment in found] if ids is None else None
    return Page(_all_shown(call, found), cursor, places)


@endpoint(
    "POST",
    "/deployments/{deployment_id}/create_flow_run",
    body=run_wire.FlowRunCreate,
    answer=run_wire.FlowRun,
    status=201,
    max_body=MAX_BATCH,
    needs=Need.OPERATE,
)
def create_run(call: Call[run_wire.FlowRunCreate], deployment_id: UUID) -> Found:
    """Make a run; 200 when the idempotency key finds an earlier one."""
    with tracing.creating(call.traceparent, deployment_id=str(deployment_id)) as trace:
        wants = replace(wanted(call.body), traceparent=trace, caller=call.caller)
        run, made = call.plane.runs.create(deployment_id, wants)
    return Found(render.run(run, call.plane.ports.clock()), 201 if made else 200)


@endpoint(
    "POST",
    "/deployments/{deployment_id}/skip_late",
    answer=system_wire.Skipped,
    status=200,
    needs=Need.OPERATE,
)
def skip_late(call: Call[None], deployment_id: UUID) -> system_wire.Skipped:
    """End the late runs of a deployment as Skipped."""
    skipped, more = call.plane.lateness.skip_of_deployment(deployment_id)
    return system_wire.Skipped(skipped=skipped, more=more)


def wanted(body: run_wire.FlowRunCreate) -> Wanted:
    """A new run as the use case takes it."""
    if body.state and body.state.type is not StateType.SCHEDULED:
        problem = FieldProblem("state.type", f"is {body.state.type.value}", "SCHEDULED")
        raise Invalid("A run of a deployment begins as SCHEDULED.", errors=[problem])
    return Wanted(
        name=body.name,
        parameters=body.parameters,
        tags=body.tags,
        labels=body.labels or {},
        job_variables=body.job_variables or {},
        due=body.state.state_details.scheduled_time if body.state else None,
        idempotency_key=body.idempotency_key,
        work_queue_name=body.work_queue_name,
        enforce_schema=body.enforce_parameter_schema,
        parent_task_run_id=body.parent_task_run_id,
    )


def _flow_names(call: Call[object], body: wire.DeploymentList) -> list[str] | None:
    if body.flows is None:
        return None
    ids = uuids(body.flows.id, "flows.id")
    if ids is not None:
        return [flow.name for flow in call.plane.deployments.flows_by_id(ids)]
    return texts(body.flows.name)


def _values(body: wire.DeploymentCreate | wire.DeploymentUpdate) -> Mapping[str, object]:
    values = given(body, leave_out=_NOT_STORED, not_null=_NOT_NULL)
    if values.get("labels", {}) is None:
        values["labels"] = {}
    if "concurrency_options" in body.model_fields_set:
        options = body.concurrency_options or wire.ConcurrencyOptions()
        values["collision_strategy"] = options.collision_strategy.value
    if "retry_policy" in body.model_fields_set:
        policy = body.retry_policy
        values["retry_policy"] = retry.policy(policy.model_dump()) if policy else None
    return values


def shown(call: Call[object], deployment: Deployment) -> wire.Deployment:
    """A deployment as it is answered."""
    return _all_shown(call, [deployment])[0]


def _all_shown(call: Call[object], found: Sequence[Deployment]) -> list[wire.Deployment]:
    places = [(one.work_pool_name or "", one.work_queue_name or "") for one in found]
    served = call.plane.readiness.served({place for place in places if place[0]})
    return [
        render.deployment(
            deployment,
            call.plane.deployments.schedules(deployment.id),
            place in served,
        )
        for deployment, place in zip(found, places, strict=True)
    ]
