"""Starts a worker: checks that it may, wires it, runs it, gives its exit code."""

from __future__ import annotations

import ctypes
import signal
import sys
import threading
from contextlib import suppress

from headrace.client.api import Api
from headrace.settings import SettingsError
from headrace.worker.console import Console
from headrace.worker.events import StopAsked
from headrace.worker.keeper_client import KeeperError
from headrace.worker.loop import Loop
from headrace.worker.options import WorkerOptions
from headrace.worker.state import StateFolder

_M_ARENA_MAX = -8
"""As in glibc's malloc.h."""

__all__ = ["WorkerOptions", "start"]


def start(options: WorkerOptions, console: Console | None = None) -> int:
    """Serve a pool until told to stop (Ctrl-C or SIGTERM once: finish what runs; twice: stop it).

    Returns:
        0 after a clean end, 1 if the worker cannot work; the console says why.
    """
    console = console or Console()
    try:
        return _start(options, console)
    finally:
        console.close()


def _start(options: WorkerOptions, console: Console) -> int:
    if sys.platform == "win32":
        console.say("bad", "The worker needs Linux or macOS; on Windows start it under WSL 2.")
        return 1
    _use_one_heap()
    if options.type != "process":
        console.say("bad", f"This worker runs pools of type process, not {options.type!r}.")
        return 1
    if options.start_method == "zygote" and sys.platform != "linux":
        console.say("bad", "--start-method zygote needs Linux; leave it out, or say spawn.")
        return 1
    try:
        folder = StateFolder(options.settings.home, options.pool, options.worker_name)
        taken = folder.take()
    except (SettingsError, OSError) as error:
        console.say("bad", f"The worker's folder cannot be made: {error}. Set HEADRACE_HOME to one that can.")
        return 1
    if not taken:
        console.say(
            "bad",
            f"A worker named {options.worker_name!r} serves pool {options.pool!r} on this machine already. "
            "Give this one another name with --name.",
        )
        return 1
    try:
        with Api.connect(options.settings) as api:
            loop = Loop(options, api, folder, console)
            before = _stop_on_signals(loop)
            try:
                return loop.run()
            finally:
                for number, handler in before.items():
                    signal.signal(number, handler)
    except (SettingsError, KeeperError, OSError) as error:
        console.say("bad", str(error))
        return 1
    finally:
        folder.release()


def _use_one_heap() -> None:
    """The C library gives each thread a heap of its own, of which little is ever given back: 1 MB in 1,000 runs."""
    with suppress(AttributeError, OSError):  # not glibc
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def _stop_on_signals(loop: Loop) -> dict[signal.Signals, signal._HANDLER]:
    """Ctrl-C and SIGTERM become events. A SimpleQueue may be filled from within a signal handler."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    numbers = (signal.SIGINT, signal.SIGTERM)
    return {number: signal.signal(number, lambda *_: loop.mailbox.put(StopAsked())) for number in numbers}
