"""Carries a plan out, step by step, against anything that makes and deletes deployments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from headrace.client.errors import ApiError, Conflict
from headrace.project.plan import Action, Body, Change, Create, Delete


class Target(Protocol):
    """Where deployments are made, paused and deleted."""

    def upsert(self, flow_name: str, name: str, body: Body) -> object:
        """Make a deployment, or bring it up to this body."""

    def pause(self, flow_name: str, name: str) -> None:
        """Pause a deployment; one that is gone already is no error."""

    def delete(self, flow_name: str, name: str) -> None:
        """Delete a deployment; one that is gone already is no error."""


def execute(actions: Sequence[Action], target: Target, done: Callable[[Action], None]) -> None:
    """Do each action, and tell of each. Every one may be repeated, so a plan that broke off is made anew.

    Raises:
        ApiError: One was refused; its message begins with the deployment's full name.
    """
    for action in actions:
        try:
            if isinstance(action, Delete):
                _delete(action, target)
            else:
                _make(action, target)
        except ApiError as error:
            error.message = f"{action.key}: {error.message}"
            raise
        done(action)


def _make(action: Create | Change, target: Target) -> None:
    target.upsert(*_names(action.key), action.body)
    if isinstance(action, Create) and action.renamed_from:
        target.pause(*_names(action.renamed_from))


def _delete(action: Delete, target: Target) -> None:
    if action.is_renamed:
        target.pause(*_names(action.key))
    try:
        target.delete(*_names(action.key))
    except Conflict as error:
        if "--cancel-runs" in (error.hint or ""):
            error.hint = (
                f"{'It is paused now. ' if action.is_renamed else ''}Wait for its runs and repeat this, or cancel "
                f"them with `headrace deployment delete {action.key} --cancel-runs`."
            )
        raise


def _names(key: str) -> tuple[str, str]:
    flow_name, _, name = key.partition("/")
    return flow_name, name
