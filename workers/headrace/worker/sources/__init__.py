"""Where a run's code comes from: one function per pull step, by the step's name.

A source makes the code ready and says in which folder the run works. Steps run in order; each gets the
folder that the one before it gave, and `{{ id.key }}` in its options means what the step of that `id` gave.
Another kind of source is one more entry in `STEPS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from headrace.contract.base import Json
from headrace.contract.pull_steps import PREFIX, short_name
from headrace.contract.sync import Grant
from headrace.worker.sources.bundle import pull_bundle
from headrace.worker.sources.environments import pip_install, pip_install_requirements
from headrace.worker.sources.errors import SourceError
from headrace.worker.sources.functions import call_function
from headrace.worker.sources.git import git_clone
from headrace.worker.sources.leash import Leash
from headrace.worker.sources.shell import run_shell_script
from headrace.worker.sources.workshop import Job, Workshop, activated

__all__ = ["STEPS", "Job", "Leash", "SourceError", "Workshop", "activated", "make_ready"]

Step = Callable[[Json, Job], dict[str, object]]
"""Takes the step's options and the job, changes the job, and gives what later steps may refer to."""
_PLACEHOLDER = re.compile(r"\{\{\s*([\w-]+)\.([\w-]+)\s*\}\}")
_FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")


def set_working_directory(options: Json, job: Job) -> dict[str, object]:
    """Work in a folder of this machine."""
    wanted = options.get("directory")
    if not isinstance(wanted, str) or not wanted:
        raise SourceError("the pull step set_working_directory needs `directory`, a folder's path")
    job.folder = _existing(wanted, job)
    return {"directory": str(job.folder)}


STEPS: dict[str, Step] = {
    "git_clone": git_clone,
    "pull_bundle": pull_bundle,
    "set_working_directory": set_working_directory,
    "run_shell_script": run_shell_script,
    "pip_install": pip_install,
    "pip_install_requirements": pip_install_requirements,
}
"""Every pull step that this worker knows, by its short name."""


def make_ready(grant: Grant, job: Job) -> None:
    """Run the grant's pull steps, then go to its `path`; the job says where that is.

    Raises:
        SourceError: A step is unknown or fails; the message begins with the step.
    """
    steps = [(name, options) for step in grant.pull_steps or [] for name, options in step.items()]
    for number, (name, options) in enumerate(steps, 1):
        try:
            given = options if isinstance(options, dict) else {}
            result = _run(name, _filled(given, job), job)
        except (SourceError, OSError) as error:
            raise _told(f"step {number} of {len(steps)}, {name}", error, job) from error
        if isinstance(label := given.get("id"), str):
            job.outputs[label] = result
    if grant.path:
        job.folder = _existing(grant.path, job)


def _run(name: str, options: Json, job: Job) -> dict[str, object]:
    if step := STEPS.get(short_name(name) or ""):
        return step(options, job)
    known = ", ".join(PREFIX + ours for ours in sorted(STEPS))
    if name.startswith(("prefect.", "headrace.", "prefect_")) or not _FUNCTION.fullmatch(name):
        raise SourceError(f"this worker does not know the pull step {name!r}; it knows {known}")
    return call_function(name, options, job, known)


def _told(step: str, error: SourceError | OSError, job: Job) -> SourceError:
    if not isinstance(error, SourceError):
        return SourceError(f"{step}: {type(error).__name__}: {error}")
    message = job.redactor.clean(f"{step}: {error}")
    hint = error.hint or ("What it said is in the run's log." if error.output.strip() else None)
    return SourceError(message, output=job.redactor.clean(error.output), hint=hint)


def _filled(value: Json, job: Job) -> Json:
    """The options with what earlier steps gave; other double braces are left as they are."""

    def fill(part: object) -> object:
        if isinstance(part, dict):
            return {key: fill(member) for key, member in part.items()}
        if isinstance(part, list):
            return [fill(member) for member in part]
        return _PLACEHOLDER.sub(lambda match: _looked_up(match, job), part) if isinstance(part, str) else part

    return {key: fill(member) for key, member in value.items()}


def _looked_up(match: re.Match[str], job: Job) -> str:
    step, key = match.groups()
    if step not in job.outputs:
        return match.group()
    if key not in job.outputs[step]:
        has = ", ".join(job.outputs[step]) or "nothing"
        raise SourceError(f"the step {step!r} gave no {key!r}; it gave {has}")
    return str(job.outputs[step][key])


def _existing(wanted: str, job: Job) -> Path:
    """A folder of this machine, or one below what an earlier step brought."""
    place = Path(wanted).expanduser()
    folder = job.folder / place
    if not folder.is_dir():
        if job.brought and not place.is_absolute():
            raise SourceError(
                f"there is no folder {wanted!r} in {job.brought}",
                hint="Is it committed and pushed, and ignored by nothing? Then deploy again.",
            )
        raise SourceError(
            f"the code's folder {folder} is not on this machine; deploy from a folder that this worker "
            "can see, or give the deployment another code source"
        )
    return folder
