"""Where a run stands: its lane, its place there, and whose history it belongs to."""

from __future__ import annotations

from uuid import UUID

from chalicelib.domain.names import stamp
from chalicelib.domain.runs import Run
from headrace.contract.states import StateType


def ready_lane(pool: str, queue: str) -> str:
    """Where runs of a queue wait that may start."""
    return f"READY#{pool}/{queue}"


def line_lane(limit: str) -> str:
    """Where runs wait for a limit."""
    return f"LINE#{limit}"


def active_lane(pool: str) -> str:
    """Where a pool's RUNNING and CANCELLING runs are; those PENDING are in their sessions' held sets.

    Of no pool (""): runs without one that their own engine moves, PENDING ones too, since no session holds them.
    """
    return f"ACTIVE#{pool}"


def owner(run: Run) -> str:
    """Whose history a run belongs to."""
    return of_deployment(run.deployment_id) if run.deployment_id else of_flow(run.flow_id)


def of_deployment(deployment: UUID) -> str:
    """The history of a deployment."""
    return f"DEPLOYMENT#{deployment}"


def of_flow(flow: UUID) -> str:
    """The history of a flow: runs that no deployment made."""
    return f"FLOW#{flow}"


def lane_place(run: Run) -> str:
    """A run's place in its lane."""
    return f"{stamp(run.due)}#{run.id}"


def lane_of(run: Run) -> str | None:
    """The lane in which a run stands, if any."""
    if run.work_pool_name is None:
        return active_lane("") if run.is_held else None
    if run.is_terminal:
        return None
    if run.state.type is StateType.PENDING:
        return None  # its session's held set knows it; most runs go on to RUNNING and their end in one write
    if run.is_held:
        return active_lane(run.work_pool_name)
    return line_lane(run.line) if run.line else ready_lane(run.work_pool_name, run.work_queue_name or "")
