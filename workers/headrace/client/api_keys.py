"""API keys, and whose key this is."""

from __future__ import annotations

from uuid import UUID, uuid4

from headrace.client.resource import Page, Resource, at
from headrace.contract.api_keys import ApiKey, ApiKeyCreate, ApiKeyCreated, ApiKeyList, Me
from headrace.contract.key_text import draw


class ApiKeys(Resource):
    """`/api_keys` and `/me`."""

    def me(self) -> Me:
        """Whose requests these are, and in which role."""
        return self._get(Me, "/me")

    def create(self, body: ApiKeyCreate) -> ApiKeyCreated:
        """Make a key; only this answer has the whole of it. It is drawn here, so that a repeat makes no second one."""
        drawn = body.model_copy(update={"key": body.key or draw(uuid4())})
        made: ApiKeyCreated = self._post(ApiKeyCreated, "/api_keys/", drawn, safe=True)
        return made

    def read(self, key_id: UUID) -> ApiKey:
        """One key, by id."""
        return self._get(ApiKey, at("api_keys", key_id))

    def list(self, request: ApiKeyList | None = None) -> Page[ApiKey]:
        """A page of keys."""
        return self._page(ApiKey, "/api_keys/filter", request or ApiKeyList())

    def revoke(self, key_id: UUID, *, last: bool = False) -> None:
        """Take a key back; `last`: also if no admin key is left then."""
        self._delete(at("api_keys", key_id), last="true" if last else None)
