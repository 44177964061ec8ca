"""Runs the `build` and `push` steps of `headrace.yaml` on this machine."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.cli.errors import BadUsage, CliError
from headrace.cli.output import note
from headrace.contract.pull_steps import PREFIX

if TYPE_CHECKING:
    from headrace.project.model import Project

KNOWN = ("run_shell_script", f"{PREFIX}run_shell_script")


def steps_of(project: Project) -> list[tuple[str, Mapping[str, Any]]]:
    """The steps in order, each once although several deployments share it: all builds, then all pushes."""
    seen: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for kind in ("build", "push"):
        for entry in project.deployments:
            for step in getattr(entry, kind) or ():
                ((name, options),) = step.items()
                _check(kind, name, options or {})
                seen.setdefault(json.dumps([kind, options], sort_keys=True), (kind, options or {}))
    return list(seen.values())


def run(steps: Iterable[tuple[str, Mapping[str, Any]]], folder: Path) -> None:
    """Run each; the first one that fails ends the deploy before anything was sent."""
    for kind, options in steps:
        script = str(options["script"])
        note(f"Running the {kind} step: {script.strip().splitlines()[0]}")
        environment = {**os.environ, **{k: str(v) for k, v in (options.get("env") or {}).items()}}
        place = folder / str(options.get("directory") or ".")
        words: Any = script if os.name == "nt" else ["/bin/sh", "-e", "-c", script]
        try:
            # What the script prints goes beside the output proper, so that JSON stays alone on stdout.
            done = subprocess.run(
                words,
                cwd=place,
                env=environment,
                stdout=2,
                shell=os.name == "nt",
                check=False,
            )
        except OSError as error:
            raise CliError(f"The {kind} step cannot start in {place}: {error.strerror}.") from None
        if done.returncode:
            raise CliError(f"A {kind} step ended with exit code {done.returncode}.", "Nothing was deployed.")


def _check(kind: str, name: str, options: Mapping[str, Any]) -> None:
    if name not in KNOWN:
        raise BadUsage(
            f"{name} is not known as a {kind} step.", "There is run_shell_script, with its `script`."
        )
    if not str(options.get("script") or "").strip():
        raise BadUsage(f"A {kind} step has no script.", "Write it under run_shell_script: {script: ...}.")
