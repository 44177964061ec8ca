"""What to install, and what comes of it: values, without a look at the disk."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from headrace.cli.errors import CliError

SECRETS = ("HEADRACE_API_KEY",)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
DRAIN_SECONDS = 300
"""A service that is stopped waits so long for its runs."""


@dataclass(frozen=True, slots=True)
class Service:
    """A worker to be kept running.

    `program` starts Headrace's command line, `arguments` follow it; `environment` goes into a file that only
    its owner reads. `system`: for the whole machine instead of for one user, and then as `run_as`.
    """

    pool: str
    name: str | None
    program: tuple[str, ...]
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    home: Path
    system: bool = False
    run_as: str | None = None

    @property
    def label(self) -> str:
        """Names its files: `headrace-worker-`, its pool, and a dot and its own name if it has one.

        What files, units or images could not tell apart gets a few digits of its own behind it.
        """
        parts = [self.pool] if self.name is None else [self.pool, self.name]
        shown = [re.sub(r"[^A-Za-z0-9_-]+", "-", part).strip("-") or "x" for part in parts]
        label = f"headrace-worker-{'.'.join(shown)}"
        if [part.lower() for part in shown] == parts:
            return label
        return f"{label}-{hashlib.sha256('/'.join(parts).encode()).hexdigest()[:6]}"

    @property
    def words(self) -> tuple[str, ...]:
        """The whole command line."""
        return self.program + self.arguments


@dataclass(frozen=True, slots=True)
class File:
    """A file to write. An environment file keeps the lines of others when it is written again.

    `shared`: a list that may be there already, and others' too; what it lacks is put behind it.
    `owner`: the user who must be able to read it; given to them if root writes it.
    """

    path: Path
    text: str
    mode: int = 0o644
    environment: bool = False
    shared: bool = False
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The main file first; then what to do next, as lines of (what, command)."""

    files: tuple[File, ...]
    steps: tuple[tuple[str, str], ...]


def one_line(text: str, what: str) -> str:
    """The text, if a file of lines can hold it."""
    if _CONTROL.search(text):
        raise CliError(f"{what} holds a line break or another control character.", "Choose one without.")
    return text


def environment_text(values: Mapping[str, str], *, quoted: bool) -> str:
    """Lines of NAME=value: quoted as both systemd and sh read them, or as they are, which is how Docker does."""
    lines = []
    for name, value in values.items():
        one_line(value, name)
        lines.append(f"{name}={_quoted(value) if quoted else value}")
    return "".join(f"{line}\n" for line in lines)


def merged(new: str, old: str) -> str:
    """The new lines, then those of the old file that set other variables or say something else."""
    names = {line.partition("=")[0] for line in new.splitlines()}
    kept = [line for line in old.splitlines() if line.partition("=")[0].strip() not in names]
    return new + "".join(f"{line}\n" for line in kept)


def completed(new: str, old: str) -> str:
    """The old lines, and behind them what they lack of the new ones."""
    kept = old.splitlines()
    lines = [*kept, *(line for line in new.splitlines() if line not in kept)]
    return "".join(f"{line}\n" for line in lines)


def without_secrets(text: str) -> str:
    """An environment file as it may be shown."""
    shown = [
        name + "=(hidden)" if (name := line.partition("=")[0]) in SECRETS else line
        for line in text.splitlines()
    ]
    return "".join(f"{line}\n" for line in shown)


def _quoted(value: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_./:@%+=,-]*", value):
        return value
    return '"' + re.sub(r'(["\\$`])', r"\\\1", value) + '"'
