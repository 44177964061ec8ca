"""Which children are forked from a zygote, and which are started from nothing.

One zygote serves one interpreter, one list of modules to preload and one environment (save the variables that
differ from run to run). It is made when the same is wanted a second time while a zygote made at the first would
still be there: so an environment of a run's own makes none, nor does a flow that runs each hour. Until it is
ready, and whenever it cannot serve, a run is started from nothing.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from headrace.worker.keeper import processes
from headrace.worker.keeper.spawn import Spawned, spawn
from headrace.worker.keeper.wire import Message
from headrace.worker.keeper.zygote import UNMARKED, Zygote, ZygoteError

Start = Callable[[], Spawned]
"""Gives the child; raises OSError when its program, or its folder, is not there or may not be used."""
PER_RUN = ("HEADRACE__", "TRACEPARENT")
"""Variables that begin so say which run it is."""
ENGINE = ["-P", "-m", "headrace.engine", "--spec", "{spec_fd}", "--events", "{events_fd}"]


class Rules(NamedTuple):
    """How many zygotes there are, and for how long (seconds).

    Attributes:
        most: So many live at once.
        seen: So many kinds of runs are remembered by when they were last wanted.
        again_within: A zygote is made when its kind was wanted this long ago at most; less than `idle`, or one
            for runs that come just as often would be gone whenever the next of them comes.
        idle: One that nobody asks is ended after this.
        forks: It is renewed after so many children.
        ready_within: One that is not ready by then is given up.
        answer_within: Or that owes a child for so long.
        bad_for: After a failure the next is made this much later.
    """

    most: int = 4
    seen: int = 32
    again_within: float = 600.0
    idle: float = 660.0
    forks: int = 1000
    ready_within: float = 60.0
    answer_within: float = 5.0
    bad_for: float = 600.0


class Kind(NamedTuple):
    """What has to be equal for two runs to come from the same zygote."""

    python: str
    preload: tuple[str, ...]
    env: frozenset[tuple[str, str]]


class Starts:
    """Starts children; owns the zygotes."""

    def __init__(self, selector: selectors.BaseSelector, rules: Rules | None = None) -> None:
        self._selector = selector
        self._rules = rules or Rules()
        self._zygotes: dict[Kind, Zygote] = {}
        self._seen: dict[Kind, float] = {}
        self._bad: dict[Kind, tuple[str, float]] = {}
        self._leaving: dict[int, Zygote] = {}

    def start(self, order: Message, mark: str, now: float, begin: Callable[[Start], None]) -> None:
        """Start what a `start` message orders, warm if that can be.

        `begin` is called once with what gives the child: now, or when a zygote has made one.
        """
        kind = kind_of(order)
        zygote = None if kind is None else self._get(kind, now)
        if kind is None or zygote is None or not zygote.ready:
            why, _ = self._bad.get(kind, ("", 0.0)) if kind else ("", 0.0)
            begin(_cold(order, mark, _warning(kind, why) if kind and why else None))
            return

        def answered(answer: Spawned | ZygoteError) -> None:
            # One that was asked for something impossible, such as a folder that is not there, lives on;
            # the other way of starting tells the person what is wrong.
            if isinstance(answer, ZygoteError):
                begin(_cold(order, mark, _warning(kind, str(answer))))
            else:
                begin(lambda: answer)

        zygote.used_at = now
        try:
            zygote.ask(order, mark, now, answered)
        except OSError as error:
            answered(ZygoteError(f"it cannot be asked: {type(error).__name__}: {error}"))

    def reaped(self, pid: int, status: int) -> bool:
        """A process was collected; true when it was a zygote."""
        kind = next((kind for kind, zygote in self._zygotes.items() if zygote.pid == pid), None)
        zygote = self._leaving.get(pid) if kind is None else self._zygotes[kind]
        if zygote is None:
            return False
        zygote.reaped(status)
        zygote.hear()  # its last words may still lie in the socket
        if kind is not None and zygote.ready:
            self._drop(kind)
        elif kind is not None:
            how = f"signal {-status}" if status < 0 else f"exit code {status}"
            self._fail(kind, zygote.failure or f"its process ended with {how}")
        self._let_go(zygote, "its process ended")
        del self._leaving[pid]
        return True

    def hear(self) -> None:
        """Take the answers that lie there: a child that has ended has given its own before."""
        for zygote in [*self._zygotes.values(), *self._leaving.values()]:
            if zygote.asked:
                zygote.hear()

    def pids(self) -> set[int]:
        """Processes that are no run's."""
        return {zygote.pid for zygote in self._zygotes.values()} | set(self._leaving)

    def is_coming(self, pid: int) -> bool:
        """Whether this process is a child that was asked for and has not answered yet."""
        zygotes = [*self._zygotes.values(), *self._leaving.values()]
        marks = {mark for zygote in zygotes for mark in zygote.asked}
        return bool(marks) and processes.mark_of(pid) in marks | {UNMARKED}

    def wake_at(self) -> float | None:
        """When `advance` must be called at the latest."""
        leaving = [zygote for zygote in self._leaving.values() if zygote.asked]
        return min((self._until(zygote) for zygote in [*self._zygotes.values(), *leaving]), default=None)

    def advance(self, now: float) -> None:
        """End those that are idle, do not become ready, or do not answer."""
        for kind, zygote in list(self._zygotes.items()):
            if now < self._until(zygote):
                continue
            if zygote.ready:
                self._drop(kind)
            else:
                self._fail(kind, f"it was not ready after {self._rules.ready_within:g} s")
        for zygote in list(self._leaving.values()):
            if zygote.asked and now >= self._until(zygote):
                self._let_go(zygote, f"it did not answer within {self._rules.answer_within:g} s")

    def close(self) -> None:
        """End all."""
        for kind in list(self._zygotes):
            self._drop(kind)
        for zygote in self._leaving.values():
            self._let_go(zygote, "the keeper leaves")

    def _get(self, kind: Kind, now: float) -> Zygote | None:
        """The zygote for it, if there is or shall be one."""
        before = self._note(kind, now)
        zygote = self._zygotes.get(kind)
        if zygote is not None and zygote.ready and (zygote.forks >= self._rules.forks or zygote.is_stale):
            self._drop(kind)
            zygote = None
        if zygote is not None:
            return zygote
        if kind in self._bad and now < self._bad[kind][1]:
            return None
        if before is None or now - before > self._rules.again_within or not self._has_room(before):
            return None
        return self._make(kind, now)

    def _note(self, kind: Kind, now: float) -> float | None:
        """Remember that it is wanted; gives when it was last."""
        before = self._seen.pop(kind, None)
        self._seen[kind] = now
        while len(self._seen) > self._rules.seen:
            del self._seen[next(iter(self._seen))]
        return before

    def _has_room(self, before: float) -> bool:
        """Whether there may be one more; for a kind wanted at `before`, one that was not asked since then goes.

        One that is being made never goes: what it has imported so far would be for nothing.
        """
        if len(self._zygotes) < self._rules.most:
            return True
        unused = [kind for kind, one in self._zygotes.items() if one.ready and one.used_at < before]
        if not unused:
            return False
        self._drop(min(unused, key=lambda kind: self._zygotes[kind].used_at))
        return True

    def _make(self, kind: Kind, now: float) -> Zygote | None:
        self._bad.pop(kind, None)
        try:
            zygote = Zygote(kind.python, dict(kind.env), kind.preload, now)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            self._bad[kind] = f"{type(error).__name__}: {error}", now + self._rules.bad_for
            return None
        self._zygotes[kind] = zygote
        self._selector.register(zygote.socket, selectors.EVENT_READ, lambda: self._hear(kind, zygote))
        return zygote

    def _hear(self, kind: Kind, zygote: Zygote) -> None:
        zygote.hear()
        if self._zygotes.get(kind) is not zygote:
            if zygote.ended or not zygote.asked:
                self._let_go(zygote, "its process ended")
        elif zygote.failure is not None:
            self._fail(kind, zygote.failure)
        elif zygote.ended and zygote.ready:
            self._drop(kind)  # somebody killed it: the next run makes another
            self._let_go(zygote, "its process ended")
        elif zygote.ended:
            self._selector.unregister(zygote.socket)  # how it ended is told when it is collected

    def _fail(self, kind: Kind, why: str) -> None:
        self._bad[kind] = why, self._zygotes[kind].started_at + self._rules.bad_for
        self._drop(kind)

    def _drop(self, kind: Kind) -> None:
        """Ask it for no more; it goes when it owes no child."""
        zygote = self._zygotes.pop(kind)
        self._leaving[zygote.pid] = zygote
        if not zygote.asked:
            self._let_go(zygote, "")

    def _let_go(self, zygote: Zygote, why: str) -> None:
        with suppress(KeyError, ValueError):  # it was unregistered when it hung up, or let go before
            self._selector.unregister(zygote.socket)
        zygote.end(why)

    def _until(self, zygote: Zygote) -> float:
        if (asked_at := zygote.asked_at) is not None:
            return asked_at + self._rules.answer_within
        if zygote.ready:
            return zygote.used_at + self._rules.idle
        return zygote.started_at + self._rules.ready_within


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


def _cold(order: Message, mark: str, warning: str | None) -> Start:
    return lambda: spawn(order, mark)._replace(warning=warning)


def _warning(kind: Kind, why: str) -> str:
    what = (
        f"with {', '.join(kind.preload)} imported beforehand" if kind.preload else "from a prepared process"
    )
    return f"This run was not started {what}, but from nothing, which takes longer: {why}."
