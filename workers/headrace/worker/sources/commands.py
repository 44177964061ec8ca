"""Runs one command of a step: no prompts, a time limit, the end of its output kept without secrets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from headrace.worker.sources.errors import SourceError
from headrace.worker.sources.secrets import Redactor

KEPT = 10_000
"""Bytes of output that are kept: the last ones."""
HEARD = 1_000_000
"""Bytes of standard output that are given back."""
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
    what: str,
) -> Done:
    """Run to the end; all its processes are ended when the time is over.

    Raises:
        SourceError: It cannot be started, or takes too long. `what` names it in the message.
    """
    try:
        process = subprocess.Popen(
            list(argv),
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise SourceError(f"{what} could not be started: {error.strerror}: {argv[0]}") from error
    ears = _Ears(process)
    try:
        status = process.wait(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        _end(process)
        ears.finish()
        raise SourceError(
            f"{what} took longer than {seconds:g} s and was ended", output=redactor.clean(ears.tail())
        ) from error
    ears.finish()
    return Done(status, redactor.clean(ears.stdout()), redactor.clean(ears.tail()))


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


def _end(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        process.kill()
    else:
        with suppress(ProcessLookupError):  # it ended by itself just now
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
