"""AWS credentials for workers: of the worker role, narrowed to the queues of one pool."""

from __future__ import annotations

from chalicelib.dispatch.sts import Issued, Sts
from chalicelib.domain.errors import Conflict
from chalicelib.domain.worker_policy import LIFETIME, session_name, session_policy
from chalicelib.services.ports import Ports
from chalicelib.services.workers import no_pool


class Credentials:
    """The use case of workers that have an API key and no AWS credentials."""

    def __init__(self, ports: Ports, sts: Sts) -> None:
        self._ports = ports
        self._sts = sts

    def issue(self, pool: str, worker: str) -> Issued:
        """Credentials for the queues of a pool, good for an hour.

        Raises `NotFound` for the pool, `Conflict` where no worker role is set up, `Unavailable`.
        """
        settings = self._ports.settings
        if self._ports.pools.pool(pool) is None:
            raise no_pool(pool)
        role = settings.worker_role_arn
        if role is None:
            raise Conflict(
                "This control plane has no role to give to workers (HEADRACE_WORKER_ROLE_ARN).",
                code="no_worker_role",
                hint="Set it up with `headrace cloud upgrade`, or start workers with --aws-credentials own.",
            )
        policy = session_policy(role, settings.region, settings.stage, pool)
        return self._sts.assume(role, session_name(worker), policy, LIFETIME)
