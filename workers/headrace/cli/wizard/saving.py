"""Whether it is written into `headrace.yaml` as well; a file that cannot be written to is told before that."""

from __future__ import annotations

from pathlib import Path

from headrace.cli.output import note
from headrace.cli.wizard.ask import confirm
from headrace.project import FILE
from headrace.project.errors import ProjectError
from headrace.project.write import with_deployment
from headrace.project.yamlfile import read_yaml


class Saving:
    """The question, and what it depends on. Raises `ProjectError` if it is wanted and cannot be done."""

    def __init__(self, folder: Path, *, wanted: bool) -> None:
        self._wanted = wanted
        self._problem: ProjectError | None = None
        try:
            _check(folder / FILE)
        except ProjectError as error:
            if wanted:
                raise
            self._problem = error

    def ask(self) -> bool:
        """Whether to write it."""
        if self._wanted:
            return True
        if self._problem is not None:
            note(f"It is not written into {FILE}, which has a mistake: {self._problem.message}")
            return False
        return confirm(f"Write it into {FILE} as well?", default=False)


def _check(path: Path) -> None:
    """Whether one more deployment can be written into the file as it is."""
    if path.exists():
        with_deployment(read_yaml(path).text, {"name": "one-more"})
