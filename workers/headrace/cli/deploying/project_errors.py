"""Says in the command line's words what is wrong with a project."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from headrace.cli.errors import USAGE, CliError


@contextmanager
def translated() -> Iterator[None]:
    """A project that says something wrong is the command line's mistake: exit code 2."""
    from headrace.project.errors import ProjectError

    try:
        yield
    except ProjectError as error:
        raise CliError(error.message, error.hint, USAGE) from None
