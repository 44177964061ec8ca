"""What is wrong with a project, with the lines that say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong: at which line (0: nowhere in particular), at which member, and what."""

    line: int
    place: str
    message: str

    def text(self, file: str) -> str:
        """`headrace.yaml:12: deployments.0.name: ...`."""
        where = f"{file}:{self.line}" if self.line else file
        return f"{where}: {self.place}: {self.message}" if self.place else f"{where}: {self.message}"


Place = tuple[str | int, ...]
"""Names and numbers that lead to a member."""


class ProjectError(Exception):
    """The project cannot be deployed as it stands; `hint` says what to do.

    `mistakes` are the members of one deployment that are wrong, with what is wrong; empty: the message says all.
    """

    def __init__(
        self, message: str, hint: str | None = None, mistakes: Sequence[tuple[Place, str]] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.mistakes = tuple(mistakes)


def mistaken(what: str, mistakes: Sequence[tuple[Place, str]]) -> ProjectError:
    """One error for all mistakes of one deployment."""
    told = "; ".join(f"{'.'.join(map(str, place))}: {text}" if place else text for place, text in mistakes)
    return ProjectError(f"{what}: {told.rstrip('.')}.", mistakes=mistakes)


class FileProblems(ProjectError):
    """A file says something wrong; every place at once."""

    def __init__(self, file: str, problems: Sequence[Problem], hint: str | None = None) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(problem.text(file) for problem in self.problems), hint)
