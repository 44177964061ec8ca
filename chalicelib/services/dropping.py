"""Runs that shall not run any more: skipped, or deleted where the next revision of a schedule makes them anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.domain import runs
from chalicelib.domain.eligibility import Answer, Judgement
from chalicelib.domain.runs import Run
from chalicelib.domain.transitions import Cause
from chalicelib.services.ports import Ports
from headrace.contract.states import StateName, StateType


def drop(ports: Ports, run: Run, judgement: Judgement) -> None:
    """Do what a judgement (SKIP or GONE) says about a run that waits, unless that changed meanwhile."""
    if run.state.type is not StateType.SCHEDULED:
        return
    if judgement.answer is Answer.GONE and run.schedule_revision is not None and not run.attempt:
        # As when a schedule is changed: cancelled, it would stand in the way of the next revision's run.
        ports.runs.delete(run)
        return
    name = StateName.SKIPPED
    over = runs.ended(
        run, StateType.CANCELLED, Cause.RULE, ports.clock(), name=name, message=judgement.reason
    )
    ports.runs.tried(run, replace(over, expires_at=retention(ports)))


def retention(ports: Ports) -> datetime:
    """When what ends now may be forgotten."""
    return ports.clock() + timedelta(days=ports.settings.retention_days)
