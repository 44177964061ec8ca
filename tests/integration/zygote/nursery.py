"""Zygotes in the test's own process, by a clock of the test's: no keeper, no worker, no waiting."""

from __future__ import annotations

import ctypes
import os
import selectors
import time
from pathlib import Path
from typing import Any, NamedTuple

from headrace.worker.keeper.starts import Rules, Start, Starts
from tests.integration.zygote.conftest import PYTHON

SUBREAPER = 36


class Begun(NamedTuple):
    """How a child was started."""

    how: str
    warning: str | None


class Nursery:
    """`now` is the time; `wish` starts a child, which ends at once since it is told nothing."""

    def __init__(self, folder: Path, **rules: Any) -> None:
        ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
        self.folder = folder
        self.now = 100.0
        self.made: list[int] = []
        self.selector = selectors.DefaultSelector()
        self.starts = Starts(self.selector, Rules(**rules))
        self.count = 0

    def order(self, shade: str = "", **more: Any) -> dict[str, Any]:
        """An order for a child in the environment of this shade."""
        env = {**os.environ, "PYTHONPATH": str(self.folder), "SHADE": shade}
        order = {"argv": [PYTHON[0], *PYTHON[1:]], "env": env, "cwd": "/", "spec": {}, "start_method": "auto"}
        return order | more

    def ask(self, order: dict[str, Any]) -> list[Start]:
        """Order a child; what begins it is in the list, now or later."""
        self.count += 1
        begun: list[Start] = []
        self.starts.start(order, f"r:{self.count}", self.now, begun.append)
        self.made += [pid for pid in sorted(self.starts.pids()) if pid not in self.made]
        return begun

    def begun(self, begun: list[Start]) -> Begun:
        """Wait for it; the child is ended and collected."""
        self.pump(lambda: bool(begun))
        spawned = begun[0]()
        for handle in (spawned.stdout, spawned.stderr, spawned.events, spawned.spec):
            if handle is not None:
                os.close(handle)
        if spawned.popen is not None:
            spawned.popen.wait()
        else:
            os.waitpid(spawned.pid, 0)
        return Begun("zygote" if spawned.popen is None else "spawn", spawned.warning)

    def wish(self, shade: str = "", *, later: float = 0.0, **more: Any) -> Begun:
        """Start one, so much later."""
        self.now += later
        return self.begun(self.ask(self.order(shade, **more)))

    def pump(self, done: Any) -> None:
        """Hear what zygotes say until then."""
        deadline = time.monotonic() + 30
        while not done():
            assert time.monotonic() < deadline
            for key, _ in self.selector.select(0.05):
                key.data()

    def ready(self) -> None:
        """Hear the first word of the zygote that was made last."""
        said = self.selector.select(30)
        assert said
        for key, _ in said:
            key.data()

    def warm(self, shade: str = "", **more: Any) -> int:
        """Until children like this are forked; gives the zygote's pid."""
        for _ in range(2):
            assert self.wish(shade, **more).how == "spawn"
        self.ready()
        assert self.wish(shade, **more).how == "zygote"
        return self.made[-1]

    def advance(self, later: float) -> None:
        """So much later, with nothing asked."""
        self.now += later
        self.starts.advance(self.now)

    def collect(self, pid: int) -> None:
        """This one has been ended."""
        _, status = os.waitpid(pid, 0)
        assert self.starts.reaped(pid, os.waitstatus_to_exitcode(status))

    def close(self) -> None:
        """Leave nothing behind."""
        self.starts.close()
        for pid in self.starts.pids():
            self.collect(pid)
        self.selector.close()
        ctypes.CDLL(None).prctl(SUBREAPER, 0, 0, 0, 0)
