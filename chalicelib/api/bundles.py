"""Routes of bundles."""

from __future__ import annotations

import re

from chalicelib.api.endpoint import Call, endpoint
from chalicelib.domain.access import Need
from chalicelib.domain.errors import FieldProblem, Invalid
from headrace.contract import bundles as wire


@endpoint("POST", "/bundles", body=wire.BundleCreate, answer=wire.BundleUpload, needs=Need.DEPLOY)
def create(call: Call[wire.BundleCreate]) -> wire.BundleUpload:
    """Ask where to upload a bundle, unless it is there already."""
    return call.plane.bundles.create(call.body.digest, call.body.size, call.host)


@endpoint("GET", "/bundles/{digest}", answer=wire.BundleDownload, needs=Need.FETCH)
def read(call: Call[None], digest: str) -> wire.BundleDownload:
    """Ask where to download a bundle."""
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        problem = FieldProblem("path.digest", "is no digest", "sha256: and 64 hexadecimal digits")
        raise Invalid(f"{digest!r:.100} is no digest.", errors=[problem])
    return call.plane.bundles.read(digest, call.host)
