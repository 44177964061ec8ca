"""Concurrency limits of tags: how many runs that carry one may run at once."""

from __future__ import annotations

from pydantic import RootModel

from headrace.client.resource import Page, Resource, at
from headrace.contract.base import Json, ListRequest


class Limits(Resource):
    """`/v2/concurrency_limits`. Bodies and answers are plain JSON objects, as in Prefect 3."""

    def create(self, name: str, limit: int, *, active: bool = True) -> Json:
        """Make a limit."""
        body = RootModel[Json]({"name": name, "limit": limit, "active": active})
        made: Json = self._post(Json, "/v2/concurrency_limits/", body)
        return made

    def read(self, name: str) -> Json:
        """One limit with its holders, by name or id."""
        return self._get(Json, at("v2", "concurrency_limits", name))

    def list(self, request: ListRequest | None = None) -> Page[Json]:
        """A page of limits."""
        return self._page(Json, "/v2/concurrency_limits/filter", request or ListRequest())

    def update(self, name: str, changes: Json) -> None:
        """Change the members given: `limit`, `active`."""
        self._patch(at("v2", "concurrency_limits", name), RootModel[Json](changes))

    def delete(self, name: str) -> None:
        """Remove a limit."""
        self._delete(at("v2", "concurrency_limits", name))
