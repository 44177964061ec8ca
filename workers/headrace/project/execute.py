"""Carries a plan out, step by step, against anything that makes and deletes deployments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from headrace.client.errors import ApiError
from headrace.project.plan import Action, Body, Delete


class Target(Protocol):
    """Where deployments are made and deleted."""

    def upsert(self, flow_name: str, name: str, body: Body) -> object:
        """Make a deployment, or bring it up to this body."""

    def delete(self, flow_name: str, name: str) -> None:
        """Delete a deployment; one that is gone already is no error."""


def execute(actions: Sequence[Action], target: Target, done: Callable[[Action], None]) -> None:
    """Do each action, and tell of each. Every one may be repeated, so a plan that broke off is made anew.

    Raises:
        ApiError: One was refused; its message begins with the deployment's full name.
    """
    for action in actions:
        flow_name, _, name = action.key.partition("/")
        try:
            if isinstance(action, Delete):
                target.delete(flow_name, name)
            else:
                target.upsert(flow_name, name, action.body)
        except ApiError as error:
            error.message = f"{action.key}: {error.message}"
            raise
        done(action)
