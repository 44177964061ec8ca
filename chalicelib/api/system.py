"""Health, version, the OpenAPI document, and the default job templates."""

from __future__ import annotations

from chalice.app import Response

from chalicelib.api.endpoint import Call, bare, endpoint
from chalicelib.api.openapi import document
from chalicelib.domain import job_templates
from chalicelib.domain.access import Need
from chalicelib.domain.errors import NotFound
from chalicelib.services.pools import TYPES
from headrace import __version__
from headrace.contract.system import Version

WORKER_TYPES = "aggregate-worker-metadata"


@endpoint("GET", "/health", answer=bool, needs=Need.NOTHING)
def health(call: Call[None]) -> bool:
    """Whether the control plane answers."""
    return True


@endpoint("GET", "/version", answer=Version, needs=Need.KEY)
def version(call: Call[None]) -> Version:
    """The version of the control plane, and the stage that it serves."""
    return Version(version=__version__, stage=call.plane.ports.settings.stage)


@endpoint("GET", "/collections/views/{view}", answer=dict, needs=Need.VIEW)
def worker_types(call: Call[None], view: str) -> dict[str, object]:
    """Worker types with their default job templates, as Prefect's `aggregate-worker-metadata`."""
    if view != WORKER_TYPES:
        raise NotFound(f"There is no collection view {view!r:.100}.", hint=f"There is {WORKER_TYPES!r}.")
    return {
        "headrace": {
            kind: {"type": kind, "default_base_job_configuration": job_templates.default_template(kind)}
            for kind in TYPES
        }
    }


@bare("GET", "/openapi.json")
def openapi() -> Response:
    """The OpenAPI 3.1 document, made from the routes and the contract."""
    return Response(document(), status_code=200, headers={"Content-Type": "application/json"})
