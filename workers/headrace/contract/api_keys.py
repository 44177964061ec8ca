"""API keys: who may do what, by role. The secret of a key is in one answer only, that of its creation."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from headrace.contract.base import Answer, ListRequest, Name, Request, Time
from headrace.contract.key_text import FORM
from headrace.contract.roles import Role


class ApiKeyCreate(Request):
    """`POST /api_keys/`. The role worker, and no other, is bound to one work pool.

    `key` may be a whole key that the client has drawn at random: then the request may be repeated, and makes one key.
    """

    name: Name
    role: Role
    work_pool_name: Name | None = None
    expires_at: Time | None = None
    key: str | None = Field(default=None, pattern=f"^{FORM}$", repr=False)


class ApiKey(Answer):
    """A key as it is shown: never with its secret. `last_used_at` is true to the hour."""

    id: UUID
    name: str
    role: Role
    work_pool_name: str | None = None
    created: Time
    created_by: str | None = None
    expires_at: Time | None = None
    last_used_at: Time | None = None


class ApiKeyCreated(ApiKey):
    """The answer to `ApiKeyCreate`: the only one with the whole key."""

    key: str = Field(repr=False)


class ApiKeyList(ListRequest):
    """`POST /api_keys/filter`."""


class RevokeOptions(Request):
    """Query of `DELETE /api_keys/{id}`. `last`: also if no admin key is left then."""

    last: bool = False


class Me(Answer):
    """`GET /me`: whose request this is. Without keys everybody is an admin."""

    keys_required: bool
    role: Role
    id: UUID | None = None
    name: str | None = None
    work_pool_name: str | None = None
    expires_at: Time | None = None
