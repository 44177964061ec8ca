"""Routes of flows."""

from __future__ import annotations

from uuid import UUID

from chalicelib.api import render
from chalicelib.api.endpoint import Call, Found, endpoint
from chalicelib.api.pages import Page
from chalicelib.api.queries import texts, uuids
from chalicelib.domain import names
from chalicelib.domain.access import Need
from headrace.contract import flows as wire


@endpoint("POST", "/flows", body=wire.FlowCreate, answer=wire.Flow, status=201, needs=Need.DEPLOY)
def create(call: Call[wire.FlowCreate]) -> Found:
    """Make a flow, or find the one of that name."""
    flow, made = call.plane.deployments.upsert_flow(call.body.name, call.body.tags, call.body.labels or {})
    return Found(render.flow(flow), 201 if made else 200)


@endpoint("GET", "/flows/{flow_id}", answer=wire.Flow, needs=Need.VIEW)
def read(call: Call[None], flow_id: UUID) -> wire.Flow:
    """One flow."""
    return render.flow(call.plane.deployments.flow(flow_id))


@endpoint("POST", "/flows/filter", body=wire.FlowList, answer=list[wire.Flow], needs=Need.VIEW)
def page(call: Call[wire.FlowList]) -> Page:
    """A page of flows, by name."""
    wanted = call.body.flows
    ids = uuids(wanted.id, "flows.id") if wanted else None
    by_name = texts(wanted.name) if wanted else None
    cursor = None
    if by_name is not None:
        named = [names.flow_id(name) for name in by_name]
        ids = named if ids is None else [flow for flow in ids if flow in named]
    if ids is not None:
        found = call.plane.deployments.flows_by_id(ids)[call.body.offset :][: call.body.limit]
    else:
        found, cursor = call.plane.deployments.flows(call.body.cursor, call.body.limit, call.body.offset)
    places = [flow.name for flow in found] if ids is None else None
    return Page([render.flow(flow) for flow in found], cursor, places)
