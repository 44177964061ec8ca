"""SIGTERM in the child: an exception in the user's code, so that its `finally` blocks run."""

from __future__ import annotations

import contextlib
import os
import signal
from threading import get_ident
from types import FrameType


class Terminated(SystemExit):
    """The run was told to stop."""


class TerminationWatch:
    """SIGTERM raises `Terminated` in the main thread, once; later ones leave the clean-up alone."""

    def __init__(self) -> None:
        self._handlers_set = False
        self._masks: dict[int, set[signal.Signals | int]] = {}
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=self._hold, after_in_parent=self._release, after_in_child=self._let_go)

    def begin(self) -> None:
        """Catch SIGTERM from here on."""
        with contextlib.suppress(ValueError):  # not the main thread: there SIGTERM keeps its way
            signal.signal(signal.SIGTERM, self._stop)
            self._handlers_set = True

    def end(self) -> None:
        """The outcome is known: nothing shall disturb the receipt."""
        if self._handlers_set:
            # Not SIG_IGN: programs started from here on would inherit it and could not be stopped.
            signal.signal(signal.SIGTERM, _stay)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        self.end()
        raise Terminated(128 + number)

    def _hold(self) -> None:
        """Keep SIGTERM back during a fork: Python forgets one that comes before the child's first step."""
        self._masks[get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def _release(self) -> None:
        mask = self._masks.pop(get_ident(), None)
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _let_go(self) -> None:
        """A process that the flow forks ends by SIGTERM as any other does."""
        if self._handlers_set and signal.getsignal(signal.SIGTERM) in (self._stop, _stay):
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._release()


def _stay(_number: int, _frame: FrameType | None) -> None:
    """The run is ending already."""
