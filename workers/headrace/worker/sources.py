"""Where a run's code comes from: one maker per pull step, by the step's name.

A source makes the code ready and says in which folder the run works. Steps run in order; each gets the
folder that the one before it gave. Another kind of source is one more entry in `STEPS`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from headrace.contract.base import Json
from headrace.contract.sync import Grant


class SourceError(Exception):
    """The code cannot be made ready; the message says what is wrong and how to mend it."""


Step = Callable[[Json, Path], Path]
"""Takes the step's options and the folder so far, and gives the folder from there on."""


def set_working_directory(options: Json, folder: Path) -> Path:
    """Work in a folder of this machine."""
    wanted = options.get("directory")
    if not isinstance(wanted, str) or not wanted:
        raise SourceError("the pull step set_working_directory needs `directory`, a folder's path")
    return _existing(folder / Path(wanted).expanduser())


STEPS: dict[str, Step] = {
    "headrace.deployments.steps.set_working_directory": set_working_directory,
    "prefect.deployments.steps.set_working_directory": set_working_directory,
}
"""Every pull step that this worker knows."""


def make_ready(grant: Grant, start: Path) -> Path:
    """Run the grant's pull steps, then go to its `path`; gives the folder of the code.

    Raises:
        SourceError: A step is unknown or fails.
    """
    folder = start
    for step in grant.pull_steps or []:
        for name, options in step.items():
            folder = _known(name)(options if isinstance(options, dict) else {}, folder)
    return _existing(folder / Path(grant.path).expanduser()) if grant.path else folder


def _known(name: str) -> Step:
    if name not in STEPS:
        known = ", ".join(sorted(STEPS))
        raise SourceError(f"this worker does not know the pull step {name!r}; it knows {known}")
    return STEPS[name]


def _existing(folder: Path) -> Path:
    if not folder.is_dir():
        raise SourceError(
            f"the code's folder {folder} is not on this machine; deploy from a folder that this worker "
            "can see, or give the deployment another code source"
        )
    return folder
