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


class ProjectError(Exception):
    """The project cannot be deployed as it stands; `hint` says what to do."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class FileProblems(ProjectError):
    """A file says something wrong; every place at once."""

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(problem.text(file) for problem in self.problems))
