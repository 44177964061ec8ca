"""What a forked child does to itself so that its run finds what it would find in a process of its own."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

_SET_PDEATHSIG = 1
_ENV_START = 50 - 3
"""Where /proc/PID/stat (proc(5)) tells the address of the environment's text; two fields and 1 lie before."""

Handler = Any


class Fresh(NamedTuple):
    """The state of a process that has imported nothing but the engine."""

    umask: int
    mask: set[Any]
    handlers: dict[int, Handler]
    descriptors: set[int]

    @classmethod
    def now(cls) -> Fresh:
        """Of this process, at this moment."""
        umask = os.umask(0o077)
        os.umask(umask)
        handlers: dict[int, Handler] = {number: signal.getsignal(number) for number in signal.valid_signals()}
        return cls(umask, signal.pthread_sigmask(signal.SIG_BLOCK, ()), handlers, open_descriptors())


def open_descriptors() -> set[int]:
    """The numbers of all open descriptors."""
    numbers = {int(name) for name in os.listdir("/proc/self/fd")}  # noqa: PTH208 - names are all it takes
    return {number for number in numbers if _is_open(number)}  # the listing's own is among them


def become(
    request: Mapping[str, Any], output: Sequence[int], fresh: Fresh, between: int, keeper: int
) -> None:
    """Be the process that the request describes. `between` is the parent that is about to leave.

    Raises:
        OSError: The folder, or a limit, cannot be had.
    """
    os.setsid()
    for number, descriptor in enumerate(output, start=1):
        os.dup2(descriptor, number)
        os.close(descriptor)
    _signals_and_umask(fresh)
    os.chdir(request["cwd"])
    _environment(request["env"], request["mark_name"], request["mark"])
    _limits(request.get("limits") or {})
    _random()
    _die_with(keeper, between)


def _signals_and_umask(fresh: Fresh) -> None:
    os.umask(fresh.umask)
    signal.set_wakeup_fd(-1)
    for number, handler in fresh.handlers.items():
        if signal.getsignal(number) is not handler and handler is not None:
            signal.signal(number, handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, fresh.mask)


def _environment(wanted: Mapping[str, str], mark_name: str, mark: str) -> None:
    for name in set(os.environ) - set(wanted):
        del os.environ[name]
    for name, value in wanted.items():
        if os.environ.get(name) != value:
            os.environ[name] = value
    _write_mark(mark_name, mark)
    os.environ[mark_name] = mark


def _write_mark(name: str, mark: str) -> None:
    """Write the run's mark where the system reads /proc/PID/environ, by which its processes are found.

    That is the text which the zygote was started with, and there it left room for a mark.
    """
    with open("/proc/self/environ", "rb") as file:  # noqa: PTH123 - pathlib is not worth its import
        text = file.read()
    start = (b"\0" + text).find(b"\0" + name.encode() + b"=") + len(name) + 1
    room = text.index(b"\0", start) - start
    data = mark.encode()
    if start <= len(name) or len(data) > room:
        raise ValueError(f"no room for the mark {mark!r}")
    with open("/proc/self/stat", "rb") as file:  # noqa: PTH123
        fields = file.read().rpartition(b")")[2].split()
    address = int(fields[_ENV_START]) + start
    ctypes.memmove(address, data.ljust(room, b"\0"), room)


def _limits(limits: Mapping[str, float]) -> None:
    if memory := limits.get("memory_mb"):
        size = int(memory * 1024 * 1024)
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
    if cpu := limits.get("cpu_seconds"):
        # The soft limit sends SIGXCPU, which names the cause; the hard one kills what ignores it.
        resource.setrlimit(resource.RLIMIT_CPU, (int(cpu), int(cpu) + 5))
    if processes := limits.get("max_processes"):
        resource.setrlimit(resource.RLIMIT_NPROC, (int(processes), int(processes)))
    if nice := limits.get("nice"):
        os.nice(int(nice))


def _random() -> None:
    """Generators that would go on from one and the same place in all runs; `random` sees to it itself."""
    if numpy := sys.modules.get("numpy.random"):
        numpy.seed()


def _die_with(keeper: int, between: int) -> None:
    """Be killed when the keeper dies, which is this process's parent as soon as `between` has left."""
    while os.getppid() == between:
        time.sleep(0.0001)  # it has one step left to do
    ctypes.CDLL(None).prctl(_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != keeper:
        raise ProcessLookupError("the keeper is gone")


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
