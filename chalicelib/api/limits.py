"""Routes of concurrency limits."""

from __future__ import annotations

from chalicelib.api import render
from chalicelib.api.endpoint import Call, Found, endpoint
from chalicelib.api.pages import Page
from chalicelib.domain.access import Need
from chalicelib.domain.errors import Conflict, FieldProblem, Invalid
from chalicelib.domain.limits import tag_limit
from headrace.contract import limits as wire

_PATH = "/v2/concurrency_limits"
_COMMANDS = {
    "pool": "work-pool",
    "queue": "work-queue",
    "deployment": "deployment",
    "schedule": "deployment schedule",
}
"""What a limit belongs to that is no tag's, and the command that changes it there."""


@endpoint(
    "POST",
    _PATH,
    body=wire.ConcurrencyLimitCreate,
    answer=wire.ConcurrencyLimit,
    status=201,
    needs=Need.DEPLOY,
)
def create(call: Call[wire.ConcurrencyLimitCreate]) -> Found:
    """Make a limit of a tag; 200 when the idempotency key finds the one made before."""
    tag = call.body.name.removeprefix("tag:").strip()
    if not tag:
        raise Invalid(
            "name: names no tag.", errors=[FieldProblem("name", "names no tag", "tag:NAME, or NAME")]
        )
    slots, made = call.plane.limits.create_for_tag(tag, call.body.limit, call.body.idempotency_key)
    return Found(render.limit(slots), 201 if made else 200)


@endpoint("GET", _PATH + "/{name}", answer=wire.ConcurrencyLimit, needs=Need.VIEW)
def read(call: Call[None], name: str) -> wire.ConcurrencyLimit:
    """One limit with its holders."""
    return render.limit(call.plane.limits.read(_full(name)))


@endpoint("PATCH", _PATH + "/{name}", body=wire.ConcurrencyLimitUpdate, needs=Need.OPERATE)
def update(call: Call[wire.ConcurrencyLimitUpdate], name: str) -> None:
    """Another maximum."""
    call.plane.limits.read(_full(name))
    call.plane.limits.update(_tags_only(name), call.body.limit)


@endpoint("DELETE", _PATH + "/{name}", needs=Need.DEPLOY)
def delete(call: Call[None], name: str) -> None:
    """Remove a limit of a tag."""
    call.plane.limits.read(_full(name))
    call.plane.limits.remove(_tags_only(name))


@endpoint(
    "POST",
    _PATH + "/filter",
    body=wire.ConcurrencyLimitList,
    answer=list[wire.ConcurrencyLimit],
    needs=Need.VIEW,
)
def page(call: Call[wire.ConcurrencyLimitList]) -> Page:
    """A page of limits, by name."""
    found, cursor = call.plane.limits.page(call.body.cursor, call.body.limit, call.body.offset)
    return Page([render.limit(slots) for slots in found], cursor, [slots.name for slots in found])


def _full(name: str) -> str:
    kind, colon, _ = name.partition(":")
    return name if colon and kind in ("tag", *_COMMANDS) else tag_limit(name)


def _tags_only(name: str) -> str:
    full = _full(name)
    kind = full.partition(":")[0]
    if kind != "tag":
        raise Conflict(
            f"The limit {full!r} belongs to a {kind}.",
            code="owned_limit",
            hint=f"Change it with the {kind}: `headrace {_COMMANDS[kind]} ...`.",
        )
    return full
