"""The run that a deployment makes, by hand or by a schedule, before it is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from chalicelib.domain.deployments import Deployment
from chalicelib.domain.runs import Run, State
from headrace.contract.states import StateName, StateType


def draft(
    deployment: Deployment,
    run_id: UUID,
    due: datetime,
    now: datetime,
    *,
    name: str,
    parameters: Mapping[str, object],
    tags: Iterable[str],
) -> Run:
    """A run as its deployment says, SCHEDULED. `tags` come after the deployment's own, each once."""
    return Run(
        id=run_id,
        name=name,
        flow_name=deployment.flow_name,
        flow_id=deployment.flow_id,
        created=now,
        updated=now,
        due=due,
        listed_at=due,
        state=State(StateType.SCHEDULED, now, StateName.SCHEDULED, None, due),
        deployment_id=deployment.id,
        deployment_name=deployment.name,
        deployment_version=deployment.version,
        deployment_version_number=deployment.version_number or None,
        work_pool_name=deployment.work_pool_name,
        work_queue_name=deployment.work_queue_name,
        parameters=parameters,
        tags=tuple(dict.fromkeys((*deployment.tags, *tags))),
        retry_policy=deployment.retry_policy,
    )


def renewed(run: Run, wanted: Run) -> Run:
    """A run that waits, as one of the same occurrence would be made now; it keeps its name and its past."""
    return replace(
        run,
        updated=wanted.updated,
        due=wanted.due,
        state=replace(run.state, scheduled_time=wanted.due),
        deployment_version=wanted.deployment_version,
        deployment_version_number=wanted.deployment_version_number,
        work_pool_name=wanted.work_pool_name,
        work_queue_name=wanted.work_queue_name,
        parameters=wanted.parameters,
        tags=wanted.tags,
        retry_policy=wanted.retry_policy,
        schedule_revision=wanted.schedule_revision,
        line=None,
    )
