"""Signals as something that a loop can wait for."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable


def empty(wakeup: int) -> None:
    """Read what signals wrote."""
    try:
        os.read(wakeup, 4096)
    except BlockingIOError:
        return


def on_signals(ask_to_end: Callable[[], None]) -> int:
    """Have signals wake the loop, and give the handle that they make readable.

    The terminal's and the service manager's signals are the worker's business. They get handlers instead
    of being ignored, since children would inherit the ignoring.
    """
    readable, writable = os.pipe()
    os.set_blocking(readable, False)
    os.set_blocking(writable, False)
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    for name in ("SIGCHLD", "SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: ask_to_end())
    return readable
