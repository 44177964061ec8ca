"""The control plane itself: is it there, and which version."""

from __future__ import annotations

from headrace.client.resource import Resource


class System(Resource):
    """`/health` and `/version`."""

    def health(self) -> bool:
        """Whether it answers that it is ready; raises `Unreachable` when it does not answer at all."""
        self._transport.send("GET", "/health", timeout=5)
        return True

    def version(self) -> object:
        """The version document, as the server gives it."""
        return self._get(object, "/version")
