"""The way out of the process: as Python ends, but not for longer than a few seconds."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
from typing import NoReturn

GRACE_SECONDS = 5.0


def leave(code: int, grace: float = GRACE_SECONDS) -> NoReturn:
    """End the process: threads and exit handlers get their turn, and no more than `grace` seconds.

    Python itself waits for every non-daemon thread, however long: a stray one would hold a worker's slot.
    """
    try:
        clock = threading.Timer(grace, _cut_off, (code, grace))
        clock.daemon = True
        with contextlib.suppress(RuntimeError):  # no memory for a thread: then nothing is cut off
            clock.start()
        # What Python calls first at its end: joins threads, lets executors finish what was submitted.
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
    finally:
        _flush()
        os._exit(code)


def _cut_off(code: int, grace: float) -> None:
    """Stop waiting."""
    main = threading.main_thread()
    names = [one.name for one in threading.enumerate() if not one.daemon and one is not main]
    what = f"threads ({', '.join(names)})" if names else "exit handlers"
    line = f"headrace: {what} still ran {grace:g} s after the flow's end, and were cut off\n"
    with contextlib.suppress(OSError):  # closed, or full and not read: it shall not hold us
        os.set_blocking(2, False)
        os.write(2, line.encode("utf-8", "replace"))
    os._exit(code)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # closed or broken: nothing is left to be written to
            stream.flush()
