"""What a worker is told of a run that is granted to it: the version of its deployment that it runs.

A run that has never started takes the version in force at its claim, so a rollback also holds for what waits.
From its first start on it keeps that version: retries, and runs that a person starts again, run the same code.
Parameters, tags, retries and place are the run's own, from when it was made; what schedules have made is made anew
when their deployment changes these (see `schedules`).

One answer carries so many bytes (see `domain.payloads`): no more is claimed than it can tell, and what is granted again
comes in parts. A grant is measured before its run is claimed; a job is rendered once for all runs of a deployment.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from chalicelib.domain import job_templates, payloads, versions
from chalicelib.domain.deployments import Deployment
from chalicelib.domain.pools import WorkPool
from chalicelib.domain.runs import Run, of_version
from chalicelib.services.ports import Ports

LARGEST = 1_000_000
"""Bytes of a job configuration: what a template makes of its variables may be a multiple of their size."""
REST = 1_000
"""Bytes of a grant beside what is measured: ids, moments, names of members."""


@dataclass(frozen=True, slots=True)
class Granted:
    """A run that is the session's, with the deployment as its version says how it is started.

    With a `problem` its job does not fit the pool's template, and it is not to be started.
    """

    run: Run
    deployment: Deployment | None
    configuration: Mapping[str, object]
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class _Job:
    """How runs of a deployment are started; it is held here, since its `id` is a part of a key."""

    deployment: Deployment | None
    configuration: Mapping[str, object]
    problem: str | None
    size: int


class Grants:
    """The grants of one sync."""

    def __init__(self, ports: Ports, pool: WorkPool) -> None:
        self._ports = ports
        self._pool = pool
        self._jobs: dict[tuple[int, UUID | None, bool], _Job] = {}
        self._at_version: dict[tuple[UUID, int], Deployment] = {}
        self._left = payloads.PAGE
        self._is_empty = True

    def takes(self, run: Run, deployment: Deployment | None) -> bool:
        """Whether the answer carries the grant of this run, too, if it is claimed. The first is always taken."""
        if deployment:
            run = of_version(run, deployment.version, deployment.version_number)
            self._read_versions([run], {deployment.id: deployment})
        return self._fits(run, deployment)

    def again(self, runs: Sequence[Run]) -> list[Granted]:
        """The first of the runs to be granted again, as many as the answer carries."""
        known = self._ports.deployments.read_many({run.deployment_id for run in runs if run.deployment_id})
        self._read_versions(runs, known)
        fits = []
        for run in runs:
            if not self._fits(run, known.get(run.deployment_id) if run.deployment_id else None):
                break
            fits.append(run)
        return self.of(fits, known)

    def of(self, runs: Sequence[Run], known: Mapping[UUID, Deployment]) -> list[Granted]:
        """Runs with their deployments, of which some are `known`. Old versions are read only where a run has one."""
        missing = {run.deployment_id for run in runs if run.deployment_id} - known.keys()
        found = {**known, **(self._ports.deployments.read_many(missing) if missing else {})}
        self._read_versions(runs, found)
        return [
            self._granted(run, found.get(run.deployment_id) if run.deployment_id else None) for run in runs
        ]

    def _fits(self, run: Run, deployment: Deployment | None) -> bool:
        size = self._size(run, deployment)
        if size > self._left and not self._is_empty:
            return False
        self._left -= size
        self._is_empty = False
        return True

    def _granted(self, run: Run, owner: Deployment | None) -> Granted:
        job = self._job(run, owner)
        return Granted(run, job.deployment, job.configuration, job.problem)

    def _size(self, run: Run, owner: Deployment | None) -> int:
        names = [run.name, run.flow_name, run.deployment_name, run.work_queue_name, *run.tags]
        return REST + self._job(run, owner).size + _size([names, dict(run.parameters)])

    def _read_versions(self, runs: Sequence[Run], owners: Mapping[UUID, Deployment]) -> None:
        """Know the deployments as old versions of these runs have them."""
        wanted = {
            (owner.id, run.deployment_version_number or 0)
            for run in runs
            if run.deployment_id and (owner := owners.get(run.deployment_id)) and _is_old(run, owner)
        } - self._at_version.keys()
        for key, definition in (self._ports.versions.definitions(wanted) if wanted else {}).items():
            self._at_version[key] = versions.restored(owners[key[0]], definition)

    def _job(self, run: Run, owner: Deployment | None) -> _Job:
        deployment = owner
        if owner and _is_old(run, owner):
            deployment = self._at_version.get((owner.id, run.deployment_version_number or 0), owner)
        is_new = deployment is not None and self._is_new_to(run, deployment)
        key = (id(deployment), run.id if run.job_variables else None, is_new)
        found = self._jobs.get(key)
        if found is None:
            found = self._jobs[key] = self._rendered(deployment, run.job_variables, is_new)
        return found

    def _is_new_to(self, run: Run, deployment: Deployment) -> bool:
        """Whether the version that a run has may never have met the pool's template.

        That was changed, or the run waits in another pool than its version names, or the pool was made anew.
        """
        pool = self._pool
        is_elsewhere = deployment.work_pool_name != pool.name
        return pool.template_changed is not None or is_elsewhere or pool.created > run.created

    def _rendered(self, deployment: Deployment | None, own: Mapping[str, object], is_new: bool) -> _Job:
        variables = deployment.job_variables if deployment else {}
        problem = None
        if is_new:
            problem = job_templates.misfit(self._template, variables, own)
        configuration = job_templates.render(self._template, variables, own)
        size = _size(configuration)
        if size > LARGEST:
            problem = f"The job configuration has {size} bytes; at most {LARGEST} are told to a worker"
            configuration, size = {}, 0
        if deployment:
            steps = [dict(step) for step in deployment.pull_steps or ()]
            size += _size([deployment.entrypoint, deployment.path, steps])
        return _Job(deployment, configuration, problem, size)

    @cached_property
    def _template(self) -> Mapping[str, object]:
        return job_templates.effective(self._pool.base_job_template, self._pool.type)


def _is_old(run: Run, owner: Deployment) -> bool:
    return run.deployment_version_number not in (None, owner.version_number)


def _size(value: object) -> int:
    return payloads.carried(json.dumps(value))
