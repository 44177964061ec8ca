"""Asks a child process what a flow says of itself, and explains why it could not say it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from headrace.cli.errors import BadUsage, CliError
from headrace.cli.output import note

TIMEOUT = 120
QUIET = 2
"""Seconds of loading that need no word."""


@dataclass(frozen=True)
class FlowFacts:
    """What a deployment takes over from its flow."""

    flow_name: str
    description: str | None
    version: str | None
    retry_policy: dict[str, Any] | None
    timeout_seconds: float | None
    parameter_openapi_schema: dict[str, Any]
    enforce_parameter_schema: bool

    def members(self) -> dict[str, Any]:
        """The members of a deployment that come from the flow."""
        members = asdict(self)
        del members["flow_name"]
        return members


def check_entrypoint(entrypoint: str, folder: Path) -> None:
    """Refuse what cannot be an entrypoint before anything is started."""
    place, colon, function = entrypoint.rpartition(":")
    if not (colon and place and function.isidentifier()):
        raise BadUsage(
            f"{entrypoint!r} is not an entrypoint.",
            "Write it like path/file.py:function or package.module:function.",
        )
    if place.endswith(".py") or "/" in place or "\\" in place:
        if not (folder / place).is_file():
            raise BadUsage(
                f"There is no file {place} in {folder}.", "Run the command from your project's folder."
            )
        if Path(place).is_absolute():
            raise BadUsage(
                f"{place} is an absolute path.", "Name the file relative to your project's folder."
            )


def inspect_flow(entrypoint: str, folder: Path) -> FlowFacts:
    """Load the flow in a child process that stands in the folder."""
    try:
        code, stdout, stderr = _load(entrypoint, folder)
    except subprocess.TimeoutExpired:
        raise CliError(
            f"Loading {entrypoint} took longer than {TIMEOUT} s.",
            "A flow's file must not do its work while it is imported.",
        ) from None
    try:
        answer = json.loads(stdout)
    except ValueError:
        said = stderr.decode("utf-8", "replace").strip()
        raise CliError(f"Loading {entrypoint} ended the process (exit code {code}).", said or None) from None
    if "flow" not in answer:
        raise _failure(entrypoint, answer["error"])
    return FlowFacts(**answer["flow"])


def _load(entrypoint: str, folder: Path) -> tuple[int, bytes, bytes]:
    """Exit code and output of the child; who waits at a terminal is told what for."""
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "headrace.cli.inspect_flow", entrypoint],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    quiet = min(QUIET, TIMEOUT)
    with child:
        try:
            try:
                stdout, stderr = child.communicate(timeout=quiet)
            except subprocess.TimeoutExpired:
                if sys.stderr.isatty():
                    note(f"Loading {entrypoint} ... (for {TIMEOUT} s at most)")
                stdout, stderr = child.communicate(timeout=TIMEOUT - quiet)
        except BaseException:
            child.kill()
            raise
    return child.returncode, stdout, stderr


def _failure(entrypoint: str, error: dict[str, str | None]) -> CliError:
    more = [text for text in (error.get("traceback"), error.get("hint")) if text]
    return CliError(f"Cannot load {entrypoint}: {error['message']}", "\n".join(more) or None)
