"""Parts of requests as the use cases take them."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel

from chalicelib.domain.errors import FieldProblem, Invalid
from chalicelib.services.waiting import Fate
from headrace.contract.work_pools import AnyOf, DeleteOptions, NameFilter


def given(
    body: BaseModel, leave_out: set[str] | None = None, not_null: set[str] | None = None
) -> dict[str, object]:
    """The members that a request gives, as plain values. Null is refused where a member cannot be without one."""
    leave_out = leave_out or set()
    values = {name: getattr(body, name) for name in body.model_fields_set if name not in leave_out}
    nulls = [name for name in not_null or () if name in values and values[name] is None]
    if nulls:
        problem = FieldProblem(nulls[0], "cannot be null", "a value, or leave the member out")
        raise Invalid(f"{nulls[0]} cannot be null.", errors=[problem])
    return values


def fate(options: DeleteOptions) -> Fate:
    """What becomes of waiting runs, from the query of a DELETE."""
    if options.cancel_runs and options.move_to:
        problem = FieldProblem("query.move_to", "contradicts cancel_runs", "one of the two")
        raise Invalid("cancel_runs and move_to contradict each other.", errors=[problem])
    return Fate(options.cancel_runs, options.move_to)


def only_names(wanted: NameFilter | None) -> list[str] | None:
    """The names that a filter asks for, or None for all. Filters by id are refused where ids cannot be looked up."""
    if wanted is None:
        return None
    if wanted.id is not None and wanted.id.any_ is not None:
        problem = FieldProblem("id", "cannot be looked up here", "name.any_")
        raise Invalid("No index serves this filter: filter by name.", errors=[problem])
    return texts(wanted.name)


def texts(wanted: AnyOf | None) -> list[str] | None:
    """The values of an `any_`, each once; None for all."""
    if wanted is None or wanted.any_ is None:
        return None
    return list(dict.fromkeys(wanted.any_))


def uuids(wanted: AnyOf | None, path: str) -> list[UUID] | None:
    """The values of an `any_` of ids, each once; None for all."""
    found = texts(wanted)
    if found is None:
        return None
    try:
        return [UUID(text) for text in found]
    except ValueError:
        problem = FieldProblem(f"{path}.any_", "is not an id", "UUIDs")
        raise Invalid(f"{path}.any_ must name ids.", errors=[problem]) from None
