"""Turns one entry of `headrace.yaml`, with what its flow says of itself, into the deployment that is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from headrace.contract.deployments import DeploymentCreate
from headrace.contract.errors import wording
from headrace.project.errors import ProjectError
from headrace.project.model import DeploymentEntry
from headrace.project.plain_secrets import HOW, NOT_TAKEN, plain_secrets, wrong_references
from headrace.project.plan import Wanted
from headrace.project.sources import LOCAL, Sources

_NO_FLOW = UUID(int=0)
"""Stands for the flow's id, which the control plane tells when the plan is carried out."""
_NOT_PLANNED = {"flow_id", "storage_document_id", "infrastructure_document_id", "global_concurrency_limit_id"}


def wanted_of(entry: DeploymentEntry, flow_name: str, facts: Mapping[str, Any], sources: Sources) -> Wanted:
    """The deployment that an entry asks for. `facts` are the members that the flow itself gives.

    Raises:
        ProjectError: The entry and the flow contradict each other, or the API would refuse it.
    """
    if entry.flow_name is not None and entry.flow_name != flow_name:
        raise ProjectError(
            f"The flow of {entry.entrypoint} is named {flow_name!r}, and {entry.name!r} expects {entry.flow_name!r}.",
            "Correct flow_name, or leave it out.",
        )
    if entry.work_pool.name is None:
        raise ProjectError(
            f"Deployment {entry.name!r} names no work pool.",
            "Add work_pool: {name: ...} to it or to the defaults.",
        )
    _refuse_plain_secrets(entry, facts)
    pull = [dict(step) for step in entry.pull] if entry.pull is not None else [{LOCAL: {}}]
    said = {
        "description": entry.description,
        "version": entry.version,
        "tags": entry.tags,
        "enforce_parameter_schema": entry.enforce_parameter_schema,
        "concurrency_limit": entry.concurrency_limit,
        "concurrency_options": entry.concurrency_options,
        "retry_policy": entry.retry_policy,
        "timeout_seconds": entry.timeout,
        "work_queue_name": entry.work_pool.work_queue_name,
        "labels": entry.labels,
        "path": entry.path,
    }
    members = {name: value for name, value in facts.items() if value is not None}
    members |= {name: value for name, value in said.items() if value is not None}
    members |= {
        "name": entry.name,
        "flow_id": _NO_FLOW,
        "entrypoint": entry.entrypoint,
        "parameters": entry.parameters,
        "work_pool_name": entry.work_pool.name,
        "job_variables": _job_variables(entry),
        "pull_steps": sources.steps(pull),
        "paused": bool(entry.paused),
    }
    if entry.schedules is not None:
        members["schedules"] = [each.request() for each in entry.schedules]
    return Wanted(flow_name, entry.name, _body(members, entry), entry.renamed_from)


def _job_variables(entry: DeploymentEntry) -> dict[str, Any]:
    """The pool's variables; the command is one of them."""
    return entry.work_pool.job_variables | ({} if entry.command is None else {"command": entry.command})


def _refuse_plain_secrets(entry: DeploymentEntry, facts: Mapping[str, Any]) -> None:
    """The control plane refuses them too, but only after a bundle with this very file was uploaded."""
    schema = facts.get("parameter_openapi_schema")
    schedules = [(f"schedules.{n}.parameters", one.parameters) for n, one in enumerate(entry.schedules or ())]
    found = [
        f"{place}.{path}"
        for place, values in (("parameters", entry.parameters), *schedules)
        for path in plain_secrets(schema, values)
    ]
    found += wrong_references(entry.work_pool.job_variables, "work_pool.job_variables")
    found += wrong_references(entry.pull or [], "pull")
    if found:
        hint = f'{HOW} In headrace.yaml: {{$secret: "env:NAME"}}.'
        raise ProjectError(f"Deployment {entry.name!r}: {found[0]} {NOT_TAKEN}", hint)


def _body(members: dict[str, Any], entry: DeploymentEntry) -> dict[str, Any]:
    try:
        body = DeploymentCreate(**members).model_dump(mode="json", exclude=_NOT_PLANNED)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ProjectError(f"Deployment {entry.name!r}: {place}: {wording(first)}.") from None
    if entry.schedules is None:
        del body["schedules"]
    if entry.paused is None:
        del body["paused"]
    return body
