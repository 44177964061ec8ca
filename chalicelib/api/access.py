"""The one place where a request is let in: who calls, and may they do what the route needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalice.app import Request
from pydantic import BaseModel

from chalicelib.domain import access
from chalicelib.domain.access import NOBODY, Caller, Need
from chalicelib.domain.errors import Unauthenticated
from chalicelib.services.control_plane import ControlPlane


def admit(plane: ControlPlane, request: Request, needs: Need, eased: frozenset[str]) -> Caller:
    """The caller, if its role has what the route needs. Before anything else of the request is looked at."""
    if needs is Need.NOTHING:
        return NOBODY
    caller = plane.access.identify(request.headers.get("authorization"))
    if not caller.may(Need.OPERATE if eased else needs):
        raise access.forbidden(caller, needs)
    return caller


def admit_there(caller: Caller, needs: Need, given: Mapping[str, Any]) -> None:
    """A worker's key opens the paths of its own pool only; `given` are the path's decoded members."""
    if needs is Need.WORK:
        access.check_pool(caller, str(given["pool"]))


def admit_body(caller: Caller, needs: Need, eased: frozenset[str], body: Any) -> None:
    """Of a route that is eased, an operator may change the members that it names, and no others."""
    if eased and not caller.may(needs):
        said = body.model_fields_set if isinstance(body, BaseModel) else set()
        if not said or not said <= eased:
            raise access.forbidden(caller, needs)


def challenge(error: Unauthenticated) -> dict[str, str]:
    """What a 401 says of how to do better (RFC 6750). API Gateway renames this header, clients see both."""
    detail = "" if error.code == "no_key" else ', error="invalid_token"'
    return {"WWW-Authenticate": f'Bearer realm="headrace"{detail}'}
