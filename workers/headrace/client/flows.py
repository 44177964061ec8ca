"""Flows."""

from __future__ import annotations

from uuid import UUID

from headrace.client.resource import Made, Page, Resource, at
from headrace.contract.flows import Flow, FlowCreate, FlowList


class Flows(Resource):
    """`/flows`."""

    def create(self, body: FlowCreate) -> Made[Flow]:
        """Make a flow, or find it by name."""
        return self._make(Flow, "/flows/", body, safe=True)

    def read(self, flow_id: UUID) -> Flow:
        """One flow."""
        return self._get(Flow, at("flows", flow_id))

    def list(self, request: FlowList | None = None) -> Page[Flow]:
        """A page of flows."""
        return self._page(Flow, "/flows/filter", request or FlowList())
