"""`log_prints`: what a run prints becomes a record of its log."""

from __future__ import annotations

import builtins
import sys
import threading
from types import TracebackType
from typing import Any

from headrace.context import current_run
from headrace.run_logs import RunLogger

_plain = builtins.print
_here = threading.local()
_lock = threading.Lock()
_users = 0


class LoggedPrints:
    """While any is open, `print` looks whether its run logs its prints."""

    def __enter__(self) -> None:
        global _users
        with _lock:
            _users += 1
            builtins.print = _print

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        global _users
        with _lock:
            _users -= 1
            if not _users and builtins.print is _print:
                builtins.print = _plain


def _print(
    *values: object, sep: str | None = None, end: str | None = None, file: Any = None, flush: bool = False
) -> None:
    run = current_run()
    elsewhere = file is not None and file is not sys.stdout
    # A handler that prints the record it was given must not make another record of it.
    if run is None or not run.log_prints or elsewhere or getattr(_here, "logging", False):
        _plain(*values, sep=sep, end=end, file=file, flush=flush)
        return
    text = (" " if sep is None else sep).join(map(str, values)) + ("" if end is None else end)
    _here.logging = True
    try:
        RunLogger(run).info(text.removesuffix("\n"))
    finally:
        _here.logging = False
