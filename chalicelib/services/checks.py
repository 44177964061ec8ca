"""What can be known to be wrong with a deployment before its first run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from chalicelib.domain import job_templates, parameters, pull_steps, secrets
from chalicelib.domain.deployments import Deployment
from chalicelib.domain.errors import HeadraceError
from chalicelib.domain.names import DEFAULT_QUEUE
from chalicelib.domain.pools import PoolView
from chalicelib.services.pools import no_queue
from chalicelib.services.ports import Ports
from chalicelib.services.schedules import Schedules
from chalicelib.services.wishes import Wish
from chalicelib.services.workers import no_pool


class Checks:
    """The one judge of deployments: for those that are made, and for those that are only asked about."""

    def __init__(self, ports: Ports, schedules: Schedules) -> None:
        self._ports = ports
        self._schedules = schedules

    def passed(self, deployment: Deployment) -> Deployment:
        """The deployment with its queue, if nothing is wrong. Raises `Invalid`, `TooLarge` or `NotFound`."""
        view = self._view(deployment)
        for check in _checks(deployment, view):
            check()
        if view is None:
            return replace(deployment, work_queue_name=None, work_queue_url=None)
        queue = deployment.work_queue_name or DEFAULT_QUEUE
        return replace(deployment, work_queue_name=queue, work_queue_url=view.queues[queue].url)

    def refusals(self, deployment: Deployment, wishes: Sequence[Wish]) -> list[HeadraceError]:
        """Everything for which a new deployment with these schedules would be refused."""
        view = self._view(deployment)
        found = []
        for check in _checks(deployment, view):
            try:
                check()
            except HeadraceError as error:
                found.append(error)
        if any(problem.path.startswith("parameters") for error in found for problem in error.errors):
            deployment = replace(
                deployment, parameters={}, enforce_parameter_schema=False
            )  # told once is enough
        return [*found, *self._schedules.refusals(deployment, wishes)]

    def _view(self, deployment: Deployment) -> PoolView | None:
        return self._ports.pools.view(deployment.work_pool_name) if deployment.work_pool_name else None


def _checks(deployment: Deployment, view: PoolView | None) -> Iterator[Callable[[], None]]:
    yield lambda: _check_parameters(deployment)
    yield lambda: pull_steps.check(deployment.pull_steps)
    if deployment.work_pool_name is not None:
        yield lambda: _check_place(deployment, view)
    if view is not None and view.pool.base_job_template:
        template = view.pool.base_job_template
        yield lambda: job_templates.check_variables(template, deployment.job_variables)


def _check_parameters(deployment: Deployment) -> None:
    if deployment.parameter_openapi_schema:
        parameters.check_schema(deployment.parameter_openapi_schema)
    parameters.check_size(deployment.parameters, "parameters")
    secrets.check(deployment.parameter_openapi_schema, deployment.parameters, "parameters")
    if deployment.enforce_parameter_schema:
        parameters.validate_given(deployment.parameter_openapi_schema, deployment.parameters)


def _check_place(deployment: Deployment, view: PoolView | None) -> None:
    pool = str(deployment.work_pool_name)
    if view is None:
        raise no_pool(pool)
    queue = deployment.work_queue_name or DEFAULT_QUEUE
    if queue not in view.queues:
        raise no_queue(pool, queue)
