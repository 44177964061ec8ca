"""Where a plan is carried out: the control plane, by its API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from headrace.client.api import Api
from headrace.client.errors import NotFound
from headrace.contract.deployments import Deployment, DeploymentCreate
from headrace.contract.flows import FlowCreate


@dataclass(frozen=True)
class ApiTarget:
    """Makes, pauses and deletes deployments; `made` are those it made or changed, by full name."""

    api: Api
    made: dict[str, Deployment] = field(default_factory=dict)

    def upsert(self, flow_name: str, name: str, body: Any) -> Deployment:
        """Make the deployment, and its flow before it; or bring them up to date."""
        flow = self.api.flows.create(FlowCreate.model_validate({"name": flow_name})).value
        made = self.api.deployments.create(
            DeploymentCreate(**{**body, "name": name, "flow_id": flow.id})
        ).value
        self.made[f"{flow_name}/{name}"] = made
        return made

    def pause(self, flow_name: str, name: str) -> None:
        """Pause it, unless somebody deleted it meanwhile."""
        try:
            self.api.deployments.pause(self.api.deployments.read_by_name(f"{flow_name}/{name}").id)
        except NotFound:
            return

    def delete(self, flow_name: str, name: str) -> None:
        """Delete it, unless somebody else was faster, which is what was wanted."""
        try:
            found = self.api.deployments.read_by_name(f"{flow_name}/{name}")
            self.api.deployments.delete(found.id)
        except NotFound:
            return
