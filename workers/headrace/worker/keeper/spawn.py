"""Starting one child: its own session, no stdin, pipes for what it says, limits, and death with the keeper.

`{spec_fd}` and `{events_fd}` in the argument vector are replaced by the numbers of the two pipes of the
engine's protocol; a plain command gets neither.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from headrace.worker.keeper import processes
from headrace.worker.keeper.wire import Message

if sys.platform != "win32":
    import resource

    DESCRIPTORS = resource.getrlimit(resource.RLIMIT_NOFILE)
    """How many files this process was meant to have open; its children are left with that."""
    MOST_DESCRIPTORS = 65_536
    """Enough for the pipes of as many children as a worker may have, also where there is no limit at all."""


class Spawned(NamedTuple):
    """A running child and our ends of its pipes (`spec` and `events` only for the engine).

    `popen` is there when it was started from nothing, and `warning` when that was not what was meant.
    """

    pid: int
    stdout: int
    stderr: int
    events: int | None
    spec: int | None
    popen: subprocess.Popen[bytes] | None = None
    warning: str | None = None


class Pipes:
    """The pipes of one child. Our ends do not block; theirs are closed here when the child has them."""

    def __init__(self, *, engine: bool) -> None:
        self.ours: dict[str, int] = {}
        self.theirs: dict[str, int] = {}
        try:
            for name in ("stdout", "stderr", "events") if engine else ("stdout", "stderr"):
                self.ours[name], self.theirs[name] = os.pipe()
            if engine:
                self.theirs["spec"], self.ours["spec"] = os.pipe()
            for handle in self.ours.values():
                os.set_blocking(handle, False)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """There is no child."""
        self.started()
        for handle in self.ours.values():
            os.close(handle)

    def started(self) -> None:
        """The child has its ends."""
        for handle in self.theirs.values():
            os.close(handle)
        self.theirs = {}

    def child(self, pid: int, popen: subprocess.Popen[bytes] | None = None) -> Spawned:
        """The child that has been started on them."""
        ours = self.ours
        return Spawned(pid, ours["stdout"], ours["stderr"], ours.get("events"), ours.get("spec"), popen)


def take_descriptors() -> None:
    """Have as many files open as the system lets us: the usual 1024 are the pipes of 250 children."""
    if sys.platform != "win32":
        soft, hard = DESCRIPTORS
        most = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
        with suppress(OSError, ValueError):  # macOS has another limit of its own
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


def spawn(order: Message, mark: str) -> Spawned:
    """Start what a `start` message orders.

    Raises:
        OSError: The program, or its folder, is not there or may not be used.
    """
    pipes = Pipes(engine=order.get("spec") is not None)
    try:
        popen = _popen(order, mark, pipes.theirs)
    except BaseException:
        pipes.close()
        raise
    pipes.started()
    return pipes.child(popen.pid, popen)


def why_not_started(order: Message, error: Exception) -> str:
    """What is wrong with the job variables, as far as the error tells, and what to do; without a full stop."""
    variable = "python" if order.get("spec") is not None else "command"
    if isinstance(error, subprocess.SubprocessError):
        return (
            "this worker may not set the limits that it should have; mend the job variables `nice`, `memory_mb`, "
            f"`cpu_seconds` or `max_processes` ({error})"
        )
    if not isinstance(error, (FileNotFoundError, PermissionError, NotADirectoryError)):
        return f"{type(error).__name__}: {error}"
    if error.filename == order.get("cwd"):
        return f"its working folder {error.filename} cannot be entered on this worker ({error.strerror})"
    program = order["argv"][0]
    if isinstance(error, PermissionError):
        what = f"{program!r} may not be executed on this worker: chmod +x it, or start it by its interpreter"
    else:
        what = f"there is no {program!r} on this worker (or no interpreter that it names): install it there"
    return f"{what}, or mend the job variable `{variable}`"


def _filled(argv: list[str], theirs: dict[str, int]) -> list[str]:
    if "spec" not in theirs:
        return argv
    names = {"{spec_fd}": str(theirs["spec"]), "{events_fd}": str(theirs["events"])}
    return [names.get(word, word) for word in argv]


def _popen(order: Message, mark: str, theirs: dict[str, int]) -> subprocess.Popen[bytes]:
    options: dict[str, Any] = {}
    if sys.platform == "win32":
        options["creationflags"] = subprocess.CREATE_NEW_PROCESS_GROUP
    else:
        options["start_new_session"] = True
        options["pass_fds"] = [theirs[name] for name in ("spec", "events") if name in theirs]
        # Safe here: the keeper has one thread, so no lock can be held by another one at the fork.
        options["preexec_fn"] = before_exec(order.get("limits") or {})
    return subprocess.Popen(
        _filled(order["argv"], theirs),
        cwd=order.get("cwd"),
        env={**order["env"], processes.MARK: mark},
        stdin=subprocess.DEVNULL,
        stdout=theirs["stdout"],
        stderr=theirs["stderr"],
        **options,
    )


def before_exec(limits: dict[str, float]) -> Callable[[], None]:
    """What the child does to itself between fork and exec."""
    keeper = os.getpid()

    def prepare() -> None:
        processes.die_with_parent(keeper)
        if sys.platform != "win32":
            resource.setrlimit(resource.RLIMIT_NOFILE, DESCRIPTORS)
            if memory := limits.get("memory_mb"):
                size = int(memory * 1024 * 1024)
                resource.setrlimit(resource.RLIMIT_AS, (size, size))
            if cpu := limits.get("cpu_seconds"):
                # The soft limit sends SIGXCPU, which names the cause; the hard one kills what ignores it.
                resource.setrlimit(resource.RLIMIT_CPU, (int(cpu), int(cpu) + 5))
            if most := limits.get("max_processes"):
                resource.setrlimit(resource.RLIMIT_NPROC, (int(most), int(most)))
            if nice := limits.get("nice"):
                os.nice(int(nice))

    return prepare
