"""Runs one command of a step: no prompts, a time limit, the end of its output kept without secrets."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from headrace.worker.keeper.ending import Ending
from headrace.worker.keeper.processes import MARK
from headrace.worker.sources.errors import SourceError
from headrace.worker.sources.leash import Leash
from headrace.worker.sources.secrets import Redactor

KEPT = 10_000
"""Bytes of output that are kept: the last ones."""
HEARD = 1_000_000
"""Bytes of standard output that are given back."""
LOOK_EVERY = 0.2
"""Seconds between two looks whether the command is still wanted."""
LEFT_BEHIND = 5.0
"""Seconds to wait for output after the end: something left behind may hold the pipe open."""


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended: exit status, its standard output, and the end of all that it printed."""

    status: int
    stdout: str
    output: str


def run_command(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    seconds: float,
    redactor: Redactor,
    leash: Leash,
    what: str,
) -> Done:
    """Run to the end; all its processes are ended when the time is over, or the leash is pulled.

    Raises:
        SourceError: It cannot be started, takes too long, or is not wanted any more. `what` names it in the message.
    """
    with leash.running():
        process = _started(argv, env, cwd, leash.mark, what)
        ears = _Ears(process)
        status = _waited(process, seconds, leash)
        if status is None:
            _end(process, leash)
        ears.finish()
    if status is None:
        why = "was ended" if leash.pulled.is_set() else f"took longer than {seconds:g} s and was ended"
        raise SourceError(f"{what} {why}", output=redactor.clean(ears.tail()))
    return Done(status, redactor.clean(ears.stdout()), redactor.clean(ears.tail()))


def _started(
    argv: Sequence[str], env: Mapping[str, str], cwd: Path, mark: str, what: str
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            list(argv),
            env={**env, MARK: mark},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise SourceError(f"{what} could not be started: {error.strerror}: {argv[0]}") from error


def _waited(process: subprocess.Popen[bytes], seconds: float, leash: Leash) -> int | None:
    """Its exit status; None if it is to be ended."""
    deadline = time.monotonic() + seconds
    while not leash.pulled.is_set() and (left := deadline - time.monotonic()) > 0:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(timeout=min(LOOK_EVERY, left))
    return None


class _Ears:
    """Two threads that read, and what they keep."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._mutex = threading.Lock()
        self._tail = bytearray()
        self._stdout = bytearray()
        self._threads = [
            threading.Thread(target=self._listen, args=(pipe, first), daemon=True)
            for pipe, first in ((process.stdout, True), (process.stderr, False))
        ]
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        for thread in self._threads:
            thread.join(LEFT_BEHIND)

    def tail(self) -> str:
        with self._mutex:
            return bytes(self._tail[-KEPT * 2 :]).decode("utf-8", "replace")

    def stdout(self) -> str:
        with self._mutex:
            return bytes(self._stdout).decode("utf-8", "replace")

    def _listen(self, pipe: IO[bytes], first: bool) -> None:
        with pipe:
            while data := os.read(pipe.fileno(), 65536):
                with self._mutex:
                    self._tail += data
                    # Twice what is shown: a secret cut in two at the edge would not be found.
                    del self._tail[: -KEPT * 2]
                    if first:
                        self._stdout += data[: HEARD - len(self._stdout)]


def _end(process: subprocess.Popen[bytes], leash: Leash) -> None:
    """End its group and all that carries the mark; at once where its time is over."""
    ending = Ending(process.pid, leash.mark, "step", leash.grace, time.monotonic())
    pause = threading.Event()
    while not ending.step(time.monotonic(), leader_gone=process.poll() is not None):
        pause.wait(max(0.0, ending.wake_at - time.monotonic()))
