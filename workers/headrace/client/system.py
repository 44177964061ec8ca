"""The control plane itself: is it there, and which version."""

from __future__ import annotations

from headrace.client.resource import Resource, reader
from headrace.contract.base import Json


class System(Resource):
    """`/health` and `/version`."""

    def health(self) -> bool:
        """Whether it answers that it is ready; raises `Unreachable` when it does not answer at all."""
        self._transport.send("GET", "/health", timeout=5)
        return True

    def version(self) -> object:
        """The version document, as the server gives it."""
        return self._get(object, "/version")

    def default_job_templates(self) -> dict[str, Json]:
        """The base job template that a new pool gets, by type of pool."""
        collections = self._get(dict[str, dict[str, Json]], "/collections/views/aggregate-worker-metadata")
        return {
            name: reader(Json).validate_python(entry["default_base_job_configuration"])
            for types in collections.values()
            for name, entry in types.items()
        }
