"""Health, version, the OpenAPI document, and the default job templates."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from chalicelib.api.endpoint import Call, endpoint
from chalicelib.api.openapi import document
from chalicelib.domain import job_templates
from chalicelib.domain.errors import NotFound
from chalicelib.services.pools import TYPES
from headrace import __version__
from headrace.contract.system import Version

blueprint = Blueprint(__name__)
WORKER_TYPES = "aggregate-worker-metadata"


@endpoint(blueprint, "GET", "/health", answer=bool)
def health(call: Call[None]) -> bool:
    """Whether the control plane answers."""
    return True


@endpoint(blueprint, "GET", "/version", answer=Version)
def version(call: Call[None]) -> Version:
    """The version of the control plane, and the stage that it serves."""
    return Version(version=__version__, stage=call.plane.ports.settings.stage)


@endpoint(blueprint, "GET", "/collections/views/{view}", answer=dict)
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


@blueprint.route("/openapi.json", methods=["GET"])
def openapi() -> Response:
    """The OpenAPI 3.1 document, made from the routes and the contract."""
    return Response(document(), status_code=200, headers={"Content-Type": "application/json"})
