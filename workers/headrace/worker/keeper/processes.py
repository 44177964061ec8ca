"""Finding and signalling all processes of one run.

A run's processes are its process group, the descendants of its first process, and (on Linux) every process
whose environment carries the run's mark: so a grandchild that left the group with setsid is found, also
after its parents are gone. Elsewhere the group is all that can be seen.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

MARK = "HEADRACE__ATTEMPT"
"""Environment variable of every child: `<run>:<attempt>`."""

LINUX = sys.platform == "linux"
_NOBODY = -1
"""No process has this number: nothing is found by its group."""
_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36


class Process(NamedTuple):
    """A live process. `born` tells it from a later one of the same number."""

    pid: int
    parent: int
    group: int
    born: int
    name: str


def become_subreaper() -> bool:
    """Orphans of this process's children become its own children (Linux): so they can be found."""
    return LINUX and _prctl(_SET_CHILD_SUBREAPER, 1)


def die_with_parent(parent: int) -> None:
    """In a fresh child: be killed when the parent dies (Linux), and leave if it has died already."""
    if LINUX:
        _prctl(_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def group_exists(group: int) -> bool:
    """Whether the process group has a member."""
    if sys.platform == "win32":
        return False
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # macOS answers this when only zombies are left, Linux when a member belongs to another user.
        return LINUX
    return True


def own_children() -> list[int]:
    """Direct children of this process, orphans that it inherited included (Linux)."""
    me = os.getpid()
    try:
        with open(f"/proc/{me}/task/{me}/children", "rb") as file:  # noqa: PTH123 - twice as fast
            return [int(pid) for pid in file.read().split()]
    except (OSError, ValueError):
        return []


def mark_of(pid: int) -> str:
    """The mark that a process carries (Linux), or nothing."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123 - as fast as can be
            text = b"\0" + file.read()
    except OSError:
        return ""
    return text.partition(f"\0{MARK}=".encode())[2].partition(b"\0")[0].decode("utf-8", "replace")


def members(leader: int, mark: str, known: Iterable[Process] = ()) -> list[Process]:
    """All live processes of a run, `known` ones that still live included (Linux); [] elsewhere."""
    table = {process.pid: process for process in _all_processes()}
    mine = {process.pid for process in table.values() if process.group == leader or process.pid == leader}
    mine |= {old.pid for old in known if old.pid in table and table[old.pid].born == old.born}
    mine |= {pid for pid in table if pid not in mine and _is_marked(pid, mark)}
    children: dict[int, list[int]] = {}
    for process in table.values():
        children.setdefault(process.parent, []).append(process.pid)
    found: set[int] = set()
    todo = list(mine)
    while todo:
        pid = todo.pop()
        if pid not in found:
            found.add(pid)
            todo.extend(children.get(pid, ()))
    return [table[pid] for pid in sorted(found) if pid != os.getpid() and pid in table]


def sweep(mark: str) -> None:
    """Kill all that carries the mark, and its descendants (Linux). Those already gone are no matter."""
    for _ in range(5):  # a process may have started another one meanwhile
        found = members(_NOBODY, mark)
        for process in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process.pid, signal.SIGKILL)
        if not found:
            break


def send(sent: signal.Signals, leader: int, others: Iterable[Process]) -> None:
    """Signal the group of `leader` and each of the others. Those already gone are no matter."""
    if sys.platform == "win32":
        _send_windows(sent, leader)
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, sent)
    for process in others:
        if process.group != leader:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process.pid, sent)


def _send_windows(sent: signal.Signals, leader: int) -> None:
    """Windows has no groups to signal: Ctrl-Break asks, `taskkill /T` ends the tree."""
    if sent == signal.SIGTERM:
        with suppress(OSError):
            os.kill(leader, getattr(signal, "CTRL_BREAK_EVENT", signal.SIGTERM))
        return
    subprocess.run(["taskkill", "/T", "/F", "/PID", str(leader)], check=False, capture_output=True)


def _all_processes() -> list[Process]:
    if not LINUX:
        return []
    names = os.listdir("/proc")  # noqa: PTH208 - names are all that is wanted
    return [process for name in names if name.isdigit() and (process := _read(name)) is not None]


def _read(pid: str) -> Process | None:
    """One line of /proc/PID/stat (proc(5)); the name stands in brackets and may hold anything."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - read for every process, so fast
            head, _, tail = file.read().rpartition(b")")
    except OSError:
        return None
    fields = tail.split()
    if len(fields) < 20 or fields[0] in (b"Z", b"X"):
        return None
    name = head.partition(b"(")[2].decode("utf-8", "replace")
    return Process(int(pid), int(fields[1]), int(fields[2]), int(fields[19]), name)


def _is_marked(pid: int, mark: str) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123 - read for every process, so fast
            return f"{MARK}={mark}".encode() in file.read().split(b"\0")
    except OSError:
        # Another user's process, or gone.
        return False


def _prctl(option: int, value: int) -> bool:
    return bool(ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) == 0)
