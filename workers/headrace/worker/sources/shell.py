"""The step `run_shell_script`."""

from __future__ import annotations

import shutil
from pathlib import Path

from headrace.contract.base import Json
from headrace.contract.pull_steps import is_on
from headrace.worker.sources.commands import run_command
from headrace.worker.sources.errors import SourceError
from headrace.worker.sources.secrets import read_reference
from headrace.worker.sources.workshop import Job

SECONDS = 1800.0


def run_shell_script(options: Json, job: Job) -> dict[str, object]:
    """Run a script with `sh -e`: the first command that fails ends it."""
    script = options.get("script")
    if not isinstance(script, str) or not script.strip():
        raise SourceError("it needs `script`, a text of shell commands")
    shell = shutil.which("sh", path=job.workshop.environ.get("PATH"))
    if shell is None:
        raise SourceError("there is no `sh` where this worker runs")
    done = run_command(
        [shell, "-ec", script],
        env=job.environment() | _variables(options, job),
        cwd=folder_of(options, job),
        seconds=SECONDS,
        redactor=job.redactor,
        leash=job.leash,
        what="the script",
    )
    if done.status:
        raise SourceError(
            f"the script ended with exit code {done.status}", output=done.output, hint=_hint(done.status)
        )
    if is_on(options.get("stream_output", True)) and done.output.strip():
        job.notes.append(done.output.strip())
    return {"stdout": done.stdout.strip(), "output": done.output.strip()}


def _hint(status: int) -> str:
    if status == 127:
        return (
            "A command of the script is not on this worker's PATH: install it there, or give its whole path."
        )
    if status == 126:
        return "A file that the script starts is not executable: chmod +x it, or start it by its interpreter."
    return (
        "`sh -e` ends a script with its first command that fails; what it printed is in the run's log. Mend it and "
        "deploy again, or write `|| true` behind a command that may fail."
    )


def folder_of(options: Json, job: Job) -> Path:
    """The step's `directory`, or the folder so far."""
    wanted = options.get("directory")
    folder = job.folder / Path(wanted).expanduser() if isinstance(wanted, str) and wanted else job.folder
    if not folder.is_dir():
        raise SourceError(f"its `directory` {folder} is not on this machine")
    return folder


def _variables(options: Json, job: Job) -> dict[str, str]:
    chosen = options.get("env") or {}
    if not isinstance(chosen, dict):
        raise SourceError("`env` must be names and values")
    return {
        str(name): read_reference(value, job.workshop.environ, job.redactor)
        if isinstance(value, dict)
        else str(value)
        for name, value in chosen.items()
    }
