"""Parameters of runs that are too large for the table: in S3, under the run's id and their digest.

The object is written before the run, so a crash between the two leaves an object that nobody names. It goes when
somebody deletes the run; the bucket's lifecycle forgets all of them 400 days after they were written. That outlives
the run: it waits for 30 days at most, which is checked here, and then a year may pass in which it runs and is kept
(`HEADRACE_RETENTION_DAYS`).
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from chalicelib.dispatch.objects import Objects
from chalicelib.domain.errors import FieldProblem, Invalid, NotFound
from chalicelib.domain.parameters import MAX_BYTES, check_size, of_run
from chalicelib.domain.runs import Run
from chalicelib.services.ports import Ports

MOST_AHEAD = timedelta(days=30)
KEPT = timedelta(days=400)
"""How long `infra/template.yaml` has the bucket keep them."""


class LargeParameters:
    """Puts them away, and gets them back."""

    def __init__(self, ports: Ports, objects: Objects) -> None:
        self._ports = ports
        self._objects = objects

    def put_away(self, run: Run) -> Run:
        """A new run as the table takes it. Raises `Invalid` for one that waits for too long, `Unavailable`."""
        data = _written(run.parameters)
        if len(data) <= MAX_BYTES:
            return run
        if run.due > run.created + MOST_AHEAD:
            text = f"has {len(data)} bytes, and the run is due in more than {MOST_AHEAD.days} days"
            problem = FieldProblem("parameters", text, f"at most {MAX_BYTES} bytes")
            raise Invalid("Large parameters are not kept for so long.", errors=[problem])
        digest = hashlib.sha256(data).hexdigest()
        self._objects.put(_key(run, digest), zlib.compress(data, 6))
        return replace(run, parameters={}, parameters_digest=digest, parameters_size=len(data))

    def whole(self, run: Run) -> Run:
        """A run with its parameters, wherever they are. Raises `NotFound` if they are nowhere, `Unavailable`."""
        if run.parameters_digest is None:
            return run
        packed = self._objects.get(_key(run, run.parameters_digest))
        data = zlib.decompress(packed) if packed is not None else b""
        if hashlib.sha256(data).hexdigest() != run.parameters_digest:
            raise NotFound(
                f"The parameters of flow run {run.name!r} are not in the storage any more.",
                code="parameters_lost",
                hint="Make a new run with them.",
            )
        return replace(run, parameters=json.loads(data))

    def forget(self, run: UUID) -> None:
        """Delete them: the run is deleted, or was given others. Raises `Unavailable`."""
        self._objects.delete_all(_folder(run))

    def address(self, run: Run, host: str | None) -> str:
        """Where to GET the large parameters of a run; `host` is the one by which the caller came to the API."""
        return self._objects.download_url(_key(run, run.parameters_digest or ""), host)

    def check_change(self, run: Run, values: Mapping[str, object]) -> None:
        """See that other parameters fit a run that waits, as those of a new one. Raises `TooLarge`, `Invalid`."""
        check_size(values, "parameters")
        deployment = self._ports.deployments.read(run.deployment_id) if run.deployment_id else None
        schema = deployment.parameter_openapi_schema if deployment else None
        of_run(schema, {}, values, enforce=deployment is not None and deployment.enforce_parameter_schema)


def _written(values: Mapping[str, object]) -> bytes:
    return json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode()


def _key(run: Run, digest: str) -> str:
    return f"{_folder(run.id)}{digest}.json.z"


def _folder(run: UUID) -> str:
    return f"parameters/{run}/"
