"""What the steps of one run are given to work with, and what they make."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from headrace.settings import SettingsError, headrace_home
from headrace.worker.sources.cache import Cache
from headrace.worker.sources.errors import SourceError
from headrace.worker.sources.leases import Key, Leases
from headrace.worker.sources.leash import Leash
from headrace.worker.sources.secrets import Redactor

Download = Callable[[str, Path], None]
CACHE_MB = 5_000.0


@dataclass(frozen=True)
class Workshop:
    """The worker's means: its cache, its environment, and how it gets bundles."""

    cache: Cache
    environ: Mapping[str, str] = field(repr=False)
    download: Download
    attributes: dict[Path, list[Path]] = field(default_factory=dict, repr=False)
    """The `.gitattributes` of trees in the cache, which never change: git is asked once for each."""

    @classmethod
    def of(
        cls, environ: Mapping[str, str], download: Download, home: Path, state: Path | None = None
    ) -> Workshop:
        """The means of the worker with this state folder. HEADRACE_CACHE_MB bounds the cache."""
        root = home / "cache"
        leases = Leases(root / "leases", str(state or os.getpid()), lambda: _processes(state))
        return cls(Cache(root, leases, int(_megabytes(environ) * 1_000_000)), environ, download)

    @classmethod
    def plain(cls, environ: Mapping[str, str]) -> Workshop:
        """Without a control plane to get bundles from."""
        return cls.of(environ, _nowhere, headrace_home(environ))


@dataclass
class Job:
    """One run's preparation: each step reads it and changes it. `python`: what the run is to use.

    `installs`: pip's arguments, and the folder where it is called, of the steps so far.
    `brought`: what its folder came from, for people; None for a folder of this machine.
    """

    workshop: Workshop
    key: Key
    folder: Path
    base_python: str
    inherited: re.Pattern[str]
    leash: Leash
    python: Path | None = None
    redactor: Redactor = field(default_factory=Redactor)
    outputs: dict[str, Mapping[str, object]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    installs: list[tuple[list[str], Path]] = field(default_factory=list)
    brought: str | None = None

    def environment(self) -> dict[str, str]:
        """What a step's own commands see: what a run would see, no credentials."""
        own = self.workshop.environ
        env = {name: value for name, value in own.items() if self.inherited.fullmatch(name)}
        return env | ({} if self.python is None else activated(self.python, env))


def activated(python: Path, env: Mapping[str, str]) -> dict[str, str]:
    """What makes programs of a virtual environment the first ones to be found."""
    path = os.pathsep.join(part for part in (str(python.parent), env.get("PATH")) if part)
    return {"PATH": path, "VIRTUAL_ENV": str(python.parent.parent)}


def _processes(state: Path | None) -> set[int]:
    """This process, and the keeper that outlives it."""
    import json

    pids = {os.getpid()}
    try:
        if state is not None:
            pids.add(int(json.loads((state / "keeper.json").read_text(encoding="utf-8"))["pid"]))
    except (OSError, ValueError, KeyError):
        pass  # no keeper yet: then it has no run either
    return pids


def _megabytes(environ: Mapping[str, str]) -> float:
    text = environ.get("HEADRACE_CACHE_MB") or str(CACHE_MB)
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e9:
        raise SettingsError(f"HEADRACE_CACHE_MB is {text!r}; expected a number of megabytes.")
    return value


def _nowhere(digest: str, _: Path) -> None:
    raise SourceError(f"there is no control plane to get the bundle {digest} from")
