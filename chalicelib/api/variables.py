"""Routes of variables."""

from __future__ import annotations

from uuid import UUID

from chalicelib.api.endpoint import Call, Found, endpoint
from chalicelib.api.pages import Page
from chalicelib.api.queries import given
from chalicelib.domain.access import Need
from chalicelib.domain.errors import FieldProblem, Invalid
from headrace.contract import variables as wire

_NAMED = "/variables/name/{name}"


@endpoint("POST", "/variables", body=wire.VariableCreate, answer=wire.Variable, status=201, needs=Need.DEPLOY)
def create(call: Call[wire.VariableCreate]) -> Found:
    """Make a variable; 200 when there is just this one already."""
    body = call.body
    variable, made = call.plane.variables.create(body.name, body.value, body.tags)
    return Found(wire.Variable.model_validate(variable), 201 if made else 200)


@endpoint("GET", "/variables/{variable_id}", answer=wire.Variable, needs=Need.VIEW)
def read(call: Call[None], variable_id: UUID) -> wire.Variable:
    """One variable, by id."""
    return wire.Variable.model_validate(call.plane.variables.read(variable_id))


@endpoint("GET", _NAMED, answer=wire.Variable, needs=Need.VIEW)
def read_by_name(call: Call[None], name: str) -> wire.Variable:
    """One variable, by name."""
    return wire.Variable.model_validate(call.plane.variables.read_by_name(name))


@endpoint("PATCH", _NAMED, body=wire.VariableUpdate, needs=Need.DEPLOY)
def update(call: Call[wire.VariableUpdate], name: str) -> None:
    """Change the members given."""
    changes = given(call.body, leave_out={"name"}, not_null={"tags"})
    call.plane.variables.read_by_name(name)
    if call.body.name not in (None, name):
        problem = FieldProblem("name", f"is {call.body.name!r}", f"{name!r}: a name cannot be changed")
        raise Invalid("A variable keeps its name.", errors=[problem])
    call.plane.variables.update(name, changes)


@endpoint("DELETE", _NAMED, needs=Need.DEPLOY)
def delete(call: Call[None], name: str) -> None:
    """Delete a variable."""
    call.plane.variables.delete(name)


@endpoint("POST", "/variables/filter", body=wire.VariableList, answer=list[wire.Variable], needs=Need.VIEW)
def page(call: Call[wire.VariableList]) -> Page:
    """A page of variables, by name."""
    body = call.body
    names = body.variables.name.any_ if body.variables and body.variables.name else None
    if names is not None:
        found, cursor = call.plane.variables.named(list(dict.fromkeys(names))), None
        found = found[body.offset : body.offset + body.limit]
    else:
        found, cursor = call.plane.variables.page(body.cursor, body.limit, body.offset)
    places = [one.name for one in found] if names is None else None
    return Page([wire.Variable.model_validate(one) for one in found], cursor, places)
