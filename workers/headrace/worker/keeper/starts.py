"""Which children are forked from a zygote, and which are started from nothing.

One zygote serves one interpreter, one list of modules to preload and one environment (save the variables that
differ from run to run). It is made when the same is wanted a second time, so that an environment of a run's
own makes none; until it is ready, and whenever it cannot serve, a run is started from nothing.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
from contextlib import suppress
from typing import NamedTuple

from headrace.worker.keeper import processes
from headrace.worker.keeper.spawn import Spawned, spawn
from headrace.worker.keeper.wire import Message
from headrace.worker.keeper.zygote import Zygote, ZygoteError

MOST = 4
READY_WITHIN = 60.0
FORKS = 1000
"""A zygote is renewed after so many children."""
IDLE = 600.0
"""One that nobody asks is ended after this."""
BAD_FOR = 600.0
"""After a failure the next attempt is made this much later."""
PER_RUN = ("HEADRACE__", "TRACEPARENT")
"""Variables that begin so say which run it is."""
ENGINE = ["-P", "-m", "headrace.engine", "--spec", "{spec_fd}", "--events", "{events_fd}"]


class Kind(NamedTuple):
    """What has to be equal for two runs to come from the same zygote."""

    python: str
    preload: tuple[str, ...]
    env: frozenset[tuple[str, str]]


class Starts:
    """Starts children; owns the zygotes."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        self._zygotes: dict[Kind, Zygote] = {}
        self._seen: dict[Kind, None] = {}
        self._bad: dict[Kind, tuple[str, float]] = {}
        self._leaving: dict[int, Zygote] = {}

    def start(self, order: Message, mark: str, now: float) -> Spawned:
        """Start what a `start` message orders, warm if that can be.

        Raises:
            OSError: The program, or its folder, is not there or may not be used.
        """
        kind = kind_of(order)
        if kind is None:
            return spawn(order, mark)
        zygote = self._get(kind, now)
        if zygote is not None and zygote.ready:
            try:
                zygote.used_at = now
                return zygote.fork(order, mark)
            except ZygoteError as error:
                # One that lives was asked for something impossible, such as a folder that is not there;
                # then the other way of starting tells the person what is wrong.
                if not error.lives:
                    self._drop(kind)
                return spawn(order, mark)._replace(warning=_warning(kind, str(error)))
        bad = self._bad.get(kind)
        return spawn(order, mark)._replace(warning=_warning(kind, bad[0]) if bad else None)

    def reaped(self, pid: int, status: int) -> bool:
        """A process was collected; true when it was a zygote."""
        if zygote := self._leaving.pop(pid, None):
            zygote.reaped(status)
            return True
        for kind, zygote in self._zygotes.items():
            if zygote.pid == pid:
                zygote.reaped(status)
                if not zygote.ready:
                    zygote.hear()  # its last word may still lie in the socket
                if zygote.ready:
                    self._drop(kind)
                else:
                    how = f"signal {-status}" if status < 0 else f"exit code {status}"
                    self._fail(kind, zygote.failure or f"its process ended with {how}")
                del self._leaving[pid]
                return True
        return False

    def pids(self) -> set[int]:
        """Processes that are no run's."""
        return {zygote.pid for zygote in self._zygotes.values()} | set(self._leaving)

    def wake_at(self) -> float | None:
        """When `advance` must be called at the latest."""
        return min((_until(zygote) for zygote in self._zygotes.values()), default=None)

    def advance(self, now: float) -> None:
        """End those that are idle, or do not become ready."""
        for kind, zygote in list(self._zygotes.items()):
            if now < _until(zygote):
                continue
            if zygote.ready:
                self._drop(kind)
            else:
                self._fail(kind, f"it was not ready after {READY_WITHIN:g} s")

    def close(self) -> None:
        """End all."""
        for kind in list(self._zygotes):
            self._drop(kind)

    def _get(self, kind: Kind, now: float) -> Zygote | None:
        """The zygote for it, if there is or shall be one."""
        zygote = self._zygotes.get(kind)
        if zygote is not None and zygote.ready and (zygote.forks >= FORKS or zygote.is_stale):
            self._drop(kind)
            zygote = None
        if zygote is not None:
            return zygote
        if kind in self._bad and now < self._bad[kind][1]:
            return None
        if kind not in self._seen:
            self._note(kind)
            return None
        return self._make(kind, now)

    def _note(self, kind: Kind) -> None:
        """Remember what was wanted lately."""
        self._seen[kind] = None
        while len(self._seen) > 8 * MOST:
            del self._seen[next(iter(self._seen))]

    def _make(self, kind: Kind, now: float) -> Zygote | None:
        while len(self._zygotes) >= MOST:
            self._drop(min(self._zygotes, key=lambda one: self._zygotes[one].used_at))
        self._bad.pop(kind, None)
        try:
            zygote = Zygote(kind.python, dict(kind.env), kind.preload, now)
        except (OSError, subprocess.SubprocessError) as error:
            self._bad[kind] = f"{type(error).__name__}: {error}", now + BAD_FOR
            return None
        self._zygotes[kind] = zygote
        self._selector.register(zygote.socket, selectors.EVENT_READ, lambda: self._hear(kind, zygote))
        return zygote

    def _hear(self, kind: Kind, zygote: Zygote) -> None:
        zygote.hear()
        if self._zygotes.get(kind) is not zygote:
            return
        if zygote.failure is not None:
            self._fail(kind, zygote.failure)
        elif zygote.ended and zygote.ready:
            self._drop(kind)  # somebody killed it: the next run makes another
        elif zygote.ended:
            self._selector.unregister(zygote.socket)  # how it ended is told when it is collected

    def _fail(self, kind: Kind, why: str) -> None:
        self._bad[kind] = why, self._zygotes[kind].started_at + BAD_FOR
        self._drop(kind)

    def _drop(self, kind: Kind) -> None:
        zygote = self._zygotes.pop(kind)
        self._leaving[zygote.pid] = zygote
        with suppress(KeyError):  # it was unregistered when it hung up
            self._selector.unregister(zygote.socket)
        zygote.end()


def kind_of(order: Message) -> Kind | None:
    """What a zygote for this order must be like; `None` for what is started from nothing."""
    method, argv = order.get("start_method") or "spawn", order["argv"]
    if method == "spawn" or not processes.LINUX or order.get("spec") is None or argv[1:] != ENGINE:
        return None
    if method == "auto" and argv[0] != sys.executable:
        return None  # nobody knows whether its Headrace is of the same version
    env: dict[str, str] = order["env"]
    path = env.get("PYTHONPATH")
    if path and not all(os.path.isabs(part) for part in path.split(os.pathsep)):  # noqa: PTH117 - no pathlib
        return None  # it means another folder in each run
    shared = frozenset((name, value) for name, value in env.items() if not name.startswith(PER_RUN))
    return Kind(argv[0], tuple(order.get("preload") or ()), shared)


def _until(zygote: Zygote) -> float:
    return zygote.used_at + IDLE if zygote.ready else zygote.started_at + READY_WITHIN


def _warning(kind: Kind, why: str) -> str:
    what = (
        f"with {', '.join(kind.preload)} imported beforehand" if kind.preload else "from a prepared process"
    )
    return f"This run was not started {what}, but from nothing, which takes longer: {why}."
