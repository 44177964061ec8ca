"""Concurrency limits of tags: how many runs that carry one may run at once."""

from __future__ import annotations

from headrace.client.resource import Page, Resource, at
from headrace.contract.limits import (
    ConcurrencyLimit,
    ConcurrencyLimitCreate,
    ConcurrencyLimitList,
    ConcurrencyLimitUpdate,
)


class Limits(Resource):
    """`/v2/concurrency_limits`."""

    def create(self, body: ConcurrencyLimitCreate) -> ConcurrencyLimit:
        """Make a limit. With an idempotency key it is repeated when its answer is lost."""
        made: ConcurrencyLimit = self._post(
            ConcurrencyLimit, "/v2/concurrency_limits/", body, safe=body.idempotency_key is not None
        )
        return made

    def read(self, name: str) -> ConcurrencyLimit:
        """One limit with its holders, by name."""
        return self._get(ConcurrencyLimit, at("v2", "concurrency_limits", name))

    def list(self, request: ConcurrencyLimitList | None = None) -> Page[ConcurrencyLimit]:
        """A page of limits."""
        return self._page(
            ConcurrencyLimit, "/v2/concurrency_limits/filter", request or ConcurrencyLimitList()
        )

    def update(self, name: str, body: ConcurrencyLimitUpdate) -> None:
        """Another maximum."""
        self._patch(at("v2", "concurrency_limits", name), body)

    def delete(self, name: str) -> None:
        """Remove a limit."""
        self._delete(at("v2", "concurrency_limits", name))
