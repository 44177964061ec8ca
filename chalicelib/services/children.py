"""Runs that the code of another run starts, and looks at, by way of its worker.

A child process holds no key of the control plane: its worker asks for it, and proves with its session and
the attempt that the run is in its hands. So code of an attempt that was given away starts nothing more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from uuid import UUID

from chalicelib.domain.errors import Conflict, FieldProblem, Forbidden, Invalid
from chalicelib.domain.names import deployment_id
from chalicelib.domain.runs import Run
from chalicelib.services.ports import Ports
from chalicelib.services.runs import Runs, Wanted
from chalicelib.services.workers import no_pool
from headrace.contract.states import StateType

_CALL = re.compile(r"child/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/")
"""How the key of a call begins: with the run whose code it is."""
MOST_STARTS = 100
"""Unsuccessful runs that one call of a parent has started in earlier attempts, and that are looked at."""


@dataclass(frozen=True, slots=True)
class Parent:
    """Whose code asks: an attempt, in the hands of a worker's session."""

    session: UUID
    run: UUID
    attempt: int


class Children:
    """Use cases of a run's code."""

    def __init__(self, ports: Ports, runs: Runs) -> None:
        self._ports = ports
        self._runs = runs

    def start(
        self,
        place: tuple[str, str],
        parent: Parent,
        deployment: str,
        call: str,
        wanted: Wanted,
        *,
        linked: bool,
    ) -> tuple[Run, bool]:
        """Start a run of a deployment, or find the one that this call has started (False).

        `place` is pool and worker, `deployment` a full name. `call` names the call in the parent's code: the
        same call of a later attempt finds the run of the earlier one, and starts a new one only where that
        has ended without success. A key of the caller's own in `wanted` replaces all that.

        Raises:
            Conflict: The attempt is not in that session's hands, or is being cancelled.
            NotFound: There is no such deployment.
        """
        run = self._held(place, parent)
        identity = _id_of(deployment)
        if linked:
            wanted = replace(wanted, parent_flow_run_id=run.id)
        wanted = replace(wanted, parent_attempt=parent.attempt, traceparent=run.traceparent)
        if wanted.idempotency_key is not None:
            return self._runs.create(identity, wanted, deployment)
        key = f"child/{run.id}/{call}"
        for _ in range(MOST_STARTS):
            found, made = self._runs.create(identity, replace(wanted, idempotency_key=key), deployment)
            if made or found.parent_attempt >= parent.attempt or not _is_over_in_vain(found):
                return found, made
            key = f"child/{run.id}/{call}/{found.id}"
        raise Conflict(f"This call has started {MOST_STARTS} runs in vain.", code="too_many_starts")

    def read(self, place: tuple[str, str], session: UUID, run_id: UUID, key: str | None = None) -> Run:
        """A run for its worker, or for the code of another one, without parameters that are large.

        Of another pool's runs only those that a run in this session's hands has started, or found by `key`.

        Raises `Conflict` for a session that is over, `NotFound`, `Forbidden`.
        """
        self._check_session(place, session)
        run = self._ports.runs.require(run_id)
        if run.work_pool_name == place[0] or (key is not None and key == run.idempotency_key):
            return run
        starter = _starter(run)
        parent = self._ports.runs.read(starter) if starter else None
        if parent is None or parent.session != session or not parent.is_held:
            raise Forbidden(
                f"Flow run {run_id} is of another pool, and no run in this worker's hands has started it.",
                code="wrong_pool",
                hint="A worker reads the runs of its own pool, and those that its runs have started.",
            )
        return run

    def _held(self, place: tuple[str, str], parent: Parent) -> Run:
        self._check_session(place, parent.session)
        run = self._ports.runs.read(parent.run)
        if run is None or run.session != parent.session or run.attempt != parent.attempt or not run.is_held:
            raise Conflict(
                f"Attempt {parent.attempt} of flow run {parent.run} is not in this worker's hands any more.",
                code="fenced",
            )
        if run.state.type is StateType.CANCELLING:
            raise Conflict(
                f"Flow run {run.name!r} is being cancelled: it starts nothing more.", code="cancelling"
            )
        return run

    def _check_session(self, place: tuple[str, str], session: UUID) -> None:
        found = self._ports.sessions.read(session)
        if found is None or not found[0].is_open or (found[0].work_pool_name, found[0].worker_name) != place:
            if self._ports.pools.pool(place[0]) is None:
                raise no_pool(place[0])
            raise Conflict(f"The session {session} is over, or another worker's.", code="session_closed")


def _starter(run: Run) -> UUID | None:
    """The run whose code started this one, also where they are not linked."""
    if run.parent_flow_run_id is not None:
        return run.parent_flow_run_id
    found = _CALL.match(run.idempotency_key or "")
    return UUID(found[1]) if found else None


def _is_over_in_vain(run: Run) -> bool:
    return run.is_terminal and run.state.type is not StateType.COMPLETED


def _id_of(full_name: str) -> UUID:
    flow, slash, name = full_name.partition("/")
    if not (flow and slash and name) or "/" in name:
        problem = FieldProblem("deployment", f"is {full_name!r}", "flow-name/deployment-name")
        raise Invalid(f"{full_name!r} does not name a deployment.", errors=[problem])
    return deployment_id(flow, name)
