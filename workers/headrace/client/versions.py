"""Versions of deployments."""

from __future__ import annotations

from uuid import UUID

from headrace.client.resource import Made, Page, Resource, at
from headrace.contract.deployments import Deployment
from headrace.contract.versions import Diff, FullVersion, Pin, Rollback, Version, VersionList


class Versions(Resource):
    """`/deployments/{id}/versions`, and what puts one in force."""

    def list(self, deployment_id: UUID, request: VersionList | None = None) -> Page[Version]:
        """A page of a deployment's versions, the latest first."""
        path = at("deployments", deployment_id, "versions", "filter")
        return self._page(Version, path, request or VersionList())

    def read(self, deployment_id: UUID, number: int) -> FullVersion:
        """One version, with all that it says."""
        return self._get(FullVersion, at("deployments", deployment_id, "versions", str(number)))

    def diff(self, deployment_id: UUID, number: int, to: int | None = None) -> Diff:
        """What version `to` (else the one in force) says otherwise than version `number`."""
        path = at("deployments", deployment_id, "versions", str(number), "diff")
        return self._get(Diff, path, {"to": to})

    def rollback(self, deployment_id: UUID, number: int) -> Made[Deployment]:
        """Put in force, as a new version, what an old one says; not `created` if that is in force already."""
        path = at("deployments", deployment_id, "rollback")
        return self._make(Deployment, path, Rollback(version=number), safe=True)

    def pin(self, deployment_id: UUID, number: int | None = None) -> Deployment:
        """Put a version (else: keep the one) in force until `unpin`, whatever is deployed."""
        body = Pin() if number is None else Pin(version=number)
        deployment: Deployment = self._post(
            Deployment, at("deployments", deployment_id, "pin"), body, safe=True
        )
        return deployment

    def unpin(self, deployment_id: UUID) -> Deployment:
        """Put the latest version in force."""
        deployment: Deployment = self._post(
            Deployment, at("deployments", deployment_id, "unpin"), None, safe=True
        )
        return deployment
