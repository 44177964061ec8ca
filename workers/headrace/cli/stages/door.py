"""The door to what deploys the control plane, opened when it is needed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from headrace.cli.errors import BadUsage, CliError
from headrace.cli.output import note


class Door:
    """Opens the stages of an account."""

    def __init__(self, module: Any, profile: str | None, region: str | None, *, yes: bool) -> None:
        self.module = module
        confirm = (lambda question: True) if yes else _ask
        self._options: dict[str, Any] = {
            "profile": profile,
            "region": region,
            "say": note,
            "confirm": confirm,
        }

    def of_account(self, stage: str) -> Any:
        """The stages of the account; the stage's name is looked at before AWS is asked anything."""
        self.module.check_stage(stage)
        return self.module.Cloud(**self._options)


@contextmanager
def door(profile: str | None, region: str | None, *, yes: bool) -> Iterator[Door]:
    """The door to `infra`; what goes wrong behind it is told as of any command."""
    from headrace.local.errors import StartError
    from headrace.local.infra import cloud

    try:
        module = cloud()
    except StartError as error:
        raise CliError(str(error), getattr(error, "hint", None)) from error
    try:
        yield Door(module, profile, region, yes=yes)
    except module.CloudError as error:
        raise CliError(error.message, error.hint) from error


def can_ask() -> bool:
    """Whether there is somebody to ask: questions go to stderr, so that stdout may be a file."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def _ask(question: str) -> bool:
    if not can_ask():
        raise BadUsage(
            "Nobody can be asked here.", "Say --yes to do it, or --plan to see what would be done."
        )
    return typer.confirm(question, err=True)
