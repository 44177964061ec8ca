"""Routes of the versions of deployments."""

from __future__ import annotations

import re
from uuid import UUID

from chalicelib.api import cursors, render
from chalicelib.api.deployments import shown
from chalicelib.api.endpoint import Call, Found, endpoint
from chalicelib.api.pages import Page
from chalicelib.domain.access import Need
from chalicelib.domain.errors import NotFound
from headrace.contract import deployments as deployment_wire
from headrace.contract import versions as wire

_ONE = "/deployments/{deployment_id}"
_NUMBER = re.compile(r"[1-9][0-9]{0,7}")


@endpoint(
    "POST",
    f"{_ONE}/versions/filter",
    body=wire.VersionList,
    answer=list[wire.Version],
    needs=Need.VIEW,
)
def page(call: Call[wire.VersionList], deployment_id: UUID) -> Page:
    """A page of a deployment's versions, the latest first."""
    body = call.body
    place = cursors.check(body.cursor, _NUMBER)
    below = int(place) if place else None
    rows, more = call.plane.versions.page(deployment_id, below, body.offset + body.limit)
    return Page([render.version(row) for row in rows[body.offset :]], str(more) if more else None)


@endpoint("GET", f"{_ONE}/versions/{{number}}", answer=wire.FullVersion, needs=Need.VIEW)
def read(call: Call[None], deployment_id: UUID, number: str) -> wire.FullVersion:
    """One version, with all that it says."""
    return render.full_version(*call.plane.versions.read(deployment_id, _number(number)))


@endpoint(
    "GET",
    f"{_ONE}/versions/{{number}}/diff",
    answer=wire.Diff,
    query=wire.DiffQuery,
    needs=Need.VIEW,
)
def diff(call: Call[None], deployment_id: UUID, number: str) -> wire.Diff:
    """What another version (`to`, else the one in force) says otherwise, field by field."""
    one = _number(number)
    other, changes = call.plane.versions.diff(deployment_id, one, call.query.to)
    rows = [wire.FieldChange.model_validate(change) for change in changes]
    return wire.Diff(number=one, to=other, changes=rows)


@endpoint(
    "POST",
    f"{_ONE}/rollback",
    body=wire.Rollback,
    answer=deployment_wire.Deployment,
    status=201,
    needs=Need.DEPLOY,
)
def rollback(call: Call[wire.Rollback], deployment_id: UUID) -> Found:
    """Make a version that says what an old one says, schedules and limit included, and put it in force."""
    deployment, made = call.plane.versions.rollback(deployment_id, call.body.version, call.author)
    return Found(shown(call, deployment), 201 if made else 200)


@endpoint(
    "POST",
    f"{_ONE}/pin",
    body=wire.Pin,
    answer=deployment_wire.Deployment,
    status=200,
    needs=Need.DEPLOY,
)
def pin(call: Call[wire.Pin], deployment_id: UUID) -> deployment_wire.Deployment:
    """Put a version in force and keep it, whatever is deployed; deploys still make versions."""
    return shown(call, call.plane.versions.pin(deployment_id, call.body.version))


@endpoint("POST", f"{_ONE}/unpin", answer=deployment_wire.Deployment, status=200, needs=Need.DEPLOY)
def unpin(call: Call[None], deployment_id: UUID) -> deployment_wire.Deployment:
    """Let go of a pin: the latest version is put in force."""
    return shown(call, call.plane.versions.unpin(deployment_id))


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise NotFound(f"There is no version {text!r:.100}.", hint="Versions are numbered from 1 on.")
    return int(text)
