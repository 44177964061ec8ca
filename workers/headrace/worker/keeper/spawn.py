"""Starting one child: its own session, no stdin, pipes for what it says, limits, and death with the keeper.

`{spec_fd}` and `{events_fd}` in the argument vector are replaced by the numbers of the two pipes of the
engine's protocol; a plain command gets neither.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from headrace.worker.keeper import processes
from headrace.worker.keeper.wire import Message

if sys.platform != "win32":
    import resource


class Spawned(NamedTuple):
    """A running child and our ends of its pipes (`spec` and `events` only for the engine)."""

    popen: subprocess.Popen[bytes]
    stdout: int
    stderr: int
    events: int | None
    spec: int | None


def spawn(order: Message, mark: str) -> Spawned:
    """Start what a `start` message orders.

    Raises:
        OSError: The program, or its folder, is not there or may not be used.
    """
    theirs: list[int] = []
    ours: dict[str, int] = {}
    try:
        if order.get("spec") is not None:
            spec_read, ours["spec"] = os.pipe()
            theirs.append(spec_read)
            ours["events"], events_write = os.pipe()
            theirs.append(events_write)
        popen = _popen(_filled(order["argv"], theirs), order, mark, theirs)
    except BaseException:
        for handle in ours.values():
            os.close(handle)
        raise
    finally:
        for handle in theirs:
            os.close(handle)
    if popen.stdout is None or popen.stderr is None:
        raise AssertionError("both were asked for")
    output = [os.dup(pipe.fileno()) for pipe in (popen.stdout, popen.stderr)]
    popen.stdout.close()
    popen.stderr.close()
    for handle in [*output, *ours.values()]:
        os.set_blocking(handle, False)
    return Spawned(popen, output[0], output[1], ours.get("events"), ours.get("spec"))


def _filled(argv: list[str], theirs: list[int]) -> list[str]:
    if not theirs:
        return argv
    names = {"{spec_fd}": str(theirs[0]), "{events_fd}": str(theirs[1])}
    return [names.get(word, word) for word in argv]


def _popen(argv: list[str], order: Message, mark: str, theirs: list[int]) -> subprocess.Popen[bytes]:
    options: dict[str, Any] = {}
    if sys.platform == "win32":
        options["creationflags"] = subprocess.CREATE_NEW_PROCESS_GROUP
    else:
        options["start_new_session"] = True
        options["pass_fds"] = theirs
        # Safe here: the keeper has one thread, so no lock can be held by another one at the fork.
        options["preexec_fn"] = _before_exec(order.get("limits") or {})
    return subprocess.Popen(
        argv,
        cwd=order.get("cwd"),
        env={**order["env"], processes.MARK: mark},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        **options,
    )


def _before_exec(limits: dict[str, float]) -> Callable[[], None]:
    """What the child does to itself between fork and exec."""
    keeper = os.getpid()

    def prepare() -> None:
        processes.die_with_parent(keeper)
        if sys.platform != "win32":
            if memory := limits.get("memory_mb"):
                size = int(memory * 1024 * 1024)
                resource.setrlimit(resource.RLIMIT_AS, (size, size))
            if cpu := limits.get("cpu_seconds"):
                # The soft limit sends SIGXCPU, which names the cause; the hard one kills what ignores it.
                resource.setrlimit(resource.RLIMIT_CPU, (int(cpu), int(cpu) + 5))
            if nice := limits.get("nice"):
                os.nice(int(nice))

    return prepare
