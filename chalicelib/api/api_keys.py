"""Routes of API keys, and of who one is."""

from __future__ import annotations

import re
from uuid import UUID

from chalicelib.api import cursors
from chalicelib.api.endpoint import Call, Found, endpoint
from chalicelib.api.pages import Page
from chalicelib.domain.access import Need
from headrace.contract import api_keys as wire

PLACE = re.compile(r"[a-z]+#.{1,200}#[0-9a-f-]{36}", re.DOTALL)
"""A key's place in the list."""


@endpoint(
    "POST",
    "/api_keys",
    body=wire.ApiKeyCreate,
    answer=wire.ApiKeyCreated,
    status=201,
    needs=Need.MANAGE,
)
def create(call: Call[wire.ApiKeyCreate]) -> Found:
    """Make an API key; only this answer has the whole of it. 200 when it repeats a request that drew the key."""
    body = call.body
    key, text, made = call.plane.access.create(
        body.name,
        body.role,
        work_pool_name=body.work_pool_name,
        expires_at=body.expires_at,
        created_by=call.caller.name,
        text=body.key,
    )
    shown = wire.ApiKey.model_validate(key)
    return Found(wire.ApiKeyCreated(**shown.model_dump(), key=text), 201 if made else 200)


@endpoint("GET", "/api_keys/{key_id}", answer=wire.ApiKey, needs=Need.MANAGE)
def read(call: Call[None], key_id: UUID) -> wire.ApiKey:
    """One API key, without its secret."""
    return wire.ApiKey.model_validate(call.plane.access.read(key_id))


@endpoint("DELETE", "/api_keys/{key_id}", query=wire.RevokeOptions, needs=Need.MANAGE)
def revoke(call: Call[None], key_id: UUID) -> None:
    """Revoke an API key: it opens nothing any more, everywhere within a minute."""
    call.plane.access.revoke(key_id, last=call.query.last)


@endpoint(
    "POST",
    "/api_keys/filter",
    body=wire.ApiKeyList,
    answer=list[wire.ApiKey],
    needs=Need.MANAGE,
)
def page(call: Call[wire.ApiKeyList]) -> Page:
    """A page of API keys, by role and name."""
    body = call.body
    found, cursor = call.plane.access.page(cursors.check(body.cursor, PLACE), body.limit, body.offset)
    return Page([wire.ApiKey.model_validate(key) for key in found], cursor)


@endpoint("GET", "/me", answer=wire.Me, needs=Need.KEY)
def me(call: Call[None]) -> wire.Me:
    """Whose request this is, and in which role."""
    caller, key = call.caller, call.caller.key
    return wire.Me(
        keys_required=call.plane.ports.settings.require_keys,
        role=caller.role,
        id=key.id if key else None,
        name=caller.name,
        work_pool_name=key.work_pool_name if key else None,
        expires_at=key.expires_at if key else None,
    )
