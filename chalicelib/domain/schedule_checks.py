"""Whether a deployment can have a schedule: everything that can be known to be wrong before the first run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chalicelib.domain import parameters, secrets
from chalicelib.domain.deployments import Deployment, ScheduleRecord, spec_of
from chalicelib.domain.errors import FieldProblem, Invalid


def check(deployment: Deployment, schedule: ScheduleRecord, path: str) -> None:
    """Raise `Invalid`, with places below `path`, if the schedule is wrong or its runs would not fit the flow."""
    try:
        spec_of(schedule)
    except Invalid as error:
        problems = [replace(problem, path=f"{path}.{problem.path}".strip(".")) for problem in error.errors]
        raise Invalid(error.message, code=error.code, hint=error.hint, errors=problems) from None
    values = parameters.merge_defaults(deployment.parameters, schedule.parameters)
    place = f"{path}.parameters".strip(".")
    parameters.check_size(values, place)
    secrets.check(deployment.parameter_openapi_schema, values, place)
    if deployment.enforce_parameter_schema and (schedule.parameters or schedule.active):
        # Nobody is there to add what is missing when it starts a run.
        parameters.validate(deployment.parameter_openapi_schema, values, place)
    if deployment.work_pool_name is None:
        raise _no_pool(path or "schedules")


def check_kept(deployment: Deployment, before: Deployment, schedules: Sequence[ScheduleRecord]) -> None:
    """Raise `Invalid` if active schedules would start runs whose parameters do not fit any more."""
    if _takes(deployment) == _takes(before):
        return
    for schedule in schedules:
        if schedule.active and not schedule.deleted:
            check(deployment, schedule, f"schedules.{schedule.slug}")


def refuse_without_pool(schedules: Sequence[ScheduleRecord]) -> None:
    """Raise `Invalid` if a deployment that has no work pool any more has these schedules."""
    if any(not schedule.deleted for schedule in schedules):
        raise _no_pool("work_pool_name")


def _takes(deployment: Deployment) -> tuple[object, ...]:
    """What decides whether a schedule's parameters fit."""
    return deployment.parameter_openapi_schema, deployment.parameters, deployment.enforce_parameter_schema


def _no_pool(path: str) -> Invalid:
    problem = FieldProblem(path, "the deployment has no work pool", "work_pool_name")
    return Invalid("A schedule needs a work pool: without one no worker starts its runs.", errors=[problem])
