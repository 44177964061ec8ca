"""Turns one entry of `headrace.yaml`, with what its flow says of itself, into the deployment that is wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from headrace.contract.deployments import DeploymentCreate
from headrace.contract.errors import wording
from headrace.project.errors import Place, ProjectError, mistaken
from headrace.project.facts import INSTEAD, NO_PARAMETERS
from headrace.project.model import DeploymentEntry
from headrace.project.plain_secrets import HOW, NOT_TAKEN, plain_secrets, wrong_references
from headrace.project.plan import NO_FLOW, Wanted
from headrace.project.secret_names import LITERAL, literal_secrets
from headrace.project.sources import LOCAL, Sources

_NOT_PLANNED = {"flow_id", "storage_document_id", "infrastructure_document_id", "global_concurrency_limit_id"}


def wanted_of(entry: DeploymentEntry, flow_name: str, facts: Mapping[str, Any], sources: Sources) -> Wanted:
    """The deployment that an entry asks for. `facts` are the members that the flow itself gives.

    Raises:
        ProjectError: The entry and the flow contradict each other, or the API would refuse it.
    """
    mistakes: list[tuple[Place, str]] = [*_contradictions(entry, flow_name), *_plain_secrets(entry, facts)]
    members = {name: value for name, value in facts.items() if value is not None} | _said(entry)
    try:
        members["pull_steps"] = sources.steps(entry.pull if entry.pull is not None else [{LOCAL: {}}])
    except ProjectError as error:
        told = error.message if error.hint is None else f"{error.message} {error.hint}"
        mistakes += error.mistakes or [(("pull",), told)]
    body, wrong = _body(members, entry)
    mistakes += wrong
    if mistakes:
        raise mistaken(f"Deployment {entry.name!r}", mistakes)
    return Wanted(flow_name, entry.name, body, entry.renamed_from)


def _contradictions(entry: DeploymentEntry, flow_name: str) -> Iterator[tuple[Place, str]]:
    if entry.flow_name is not None and entry.flow_name != flow_name:
        yield (
            ("flow_name",),
            f"the flow of {entry.entrypoint} is named {flow_name!r}, and {entry.flow_name!r} is expected: correct "
            "flow_name, or leave it out",
        )
    given: list[Place] = [("parameters",)] if entry.parameters else []
    given += [("schedules", n, "parameters") for n, one in enumerate(entry.schedules or ()) if one.parameters]
    if entry.command is not None:
        yield from ((place, f"{NO_PARAMETERS} {INSTEAD}") for place in given)
    if entry.work_pool.name is None:
        yield (
            ("work_pool",),
            "names no work pool: add work_pool: {name: ...} to the deployment or to the defaults",
        )


def _said(entry: DeploymentEntry) -> dict[str, Any]:
    """What the entry itself says, in the API's words."""
    said = {
        "description": entry.description,
        "version": entry.version,
        "tags": entry.tags,
        "enforce_parameter_schema": entry.enforce_parameter_schema,
        "concurrency_limit": entry.concurrency_limit,
        "concurrency_options": entry.concurrency_options and entry.concurrency_options.model_dump(),
        "retry_policy": entry.retry_policy,
        "timeout_seconds": entry.timeout,
        "work_queue_name": entry.work_pool.work_queue_name,
        "labels": entry.labels,
        "path": entry.path,
    }
    members: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    members |= {
        "name": entry.name,
        "flow_id": NO_FLOW,
        "entrypoint": entry.entrypoint,
        "parameters": entry.parameters,
        "work_pool_name": entry.work_pool.name,
        "job_variables": _job_variables(entry),
        "paused": bool(entry.paused),
    }
    if entry.schedules is not None:
        members["schedules"] = [each.request() for each in entry.schedules]
    return members


def _job_variables(entry: DeploymentEntry) -> dict[str, Any]:
    """The pool's variables; the command is one of them."""
    return entry.work_pool.job_variables | ({} if entry.command is None else {"command": entry.command})


def _plain_secrets(entry: DeploymentEntry, facts: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
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
    literal = [*literal_secrets(entry.work_pool.job_variables, ("work_pool", "job_variables"))]
    literal += literal_secrets(entry.pull or [], ("pull",))
    yield from ((place, LITERAL) for place in literal)
    for path in found:
        place = tuple(int(part) if part.isdigit() else part for part in path.split("."))
        yield place, f'{NOT_TAKEN} {HOW} In headrace.yaml: {{$secret: "env:NAME"}}'


def _body(members: dict[str, Any], entry: DeploymentEntry) -> tuple[dict[str, Any], list[tuple[Place, str]]]:
    try:
        body = DeploymentCreate(**members).model_dump(mode="json", exclude=_NOT_PLANNED)
    except ValidationError as error:
        return {}, [(tuple(each["loc"]), wording(each)) for each in error.errors(include_url=False)]
    if entry.schedules is None:
        del body["schedules"]
    for schedule in body.get("schedules") or ():
        if schedule["active"] is None:
            del schedule["active"]  # not sent: it stays as it is
    if entry.paused is None:
        del body["paused"]
    return body, []
