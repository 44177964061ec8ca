"""By what the commands of one preparation are ended from outside: its run is cancelled, handed back, or not ours."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from headrace.worker.keeper import processes
from headrace.worker.sources.errors import SourceError


class Leash:
    """One run's. `mark` (`<run>:<attempt>`) is in the environment of all that its steps start: so it is found."""

    def __init__(self, mark: str) -> None:
        self.mark = mark
        self.pulled = threading.Event()
        self.grace = 0.0
        self._mutex = threading.Lock()
        self._runs = self._ran = False
        self._tell: Callable[[], None] | None = None

    def pull(self, grace: float, gone: Callable[[], None]) -> None:
        """Have no further command start, and end the one that runs; once is enough, and a second time does nothing.

        It gets `grace` seconds between SIGTERM and SIGKILL. `gone` is called when nothing of any step lives: at once,
        or by the thread that had started it.
        """
        with self._mutex:
            if self.pulled.is_set():
                return
            self.grace, self._tell = grace, gone
            self.pulled.set()
            if self._runs:
                return
        self._finish()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Around a command, from before its start to after its end.

        Raises:
            SourceError: The leash was pulled: nothing is to start any more.
        """
        with self._mutex:
            if self.pulled.is_set():
                raise SourceError("the run is not wanted here any more")
            self._runs = self._ran = True
        try:
            yield
        finally:
            with self._mutex:
                self._runs = False
                is_pulled = self.pulled.is_set()
            if is_pulled:
                self._finish()

    def sweep(self) -> None:
        """Kill what steps left behind (Linux: by the mark)."""
        if self._ran:
            processes.sweep(self.mark)

    def _finish(self) -> None:
        self.sweep()
        if self._tell is not None:
            self._tell()
