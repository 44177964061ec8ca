"""How a run's processes are ended: asked (SIGTERM), given time, killed (SIGKILL), and accounted for."""

from __future__ import annotations

import signal
import sys

from headrace.worker.keeper import processes
from headrace.worker.keeper.processes import Process

PATIENCE = 5.0
"""Seconds after SIGKILL until a process that is still there is reported as impossible to kill."""
LOOK_EVERY = 0.03


class Ending:
    """One run's end under way. `step` is called when a child died, or at `wake_at`."""

    def __init__(self, leader: int, mark: str, why: str, grace: float, now: float) -> None:
        self.leader = leader
        self.why = why
        self.left: list[Process] = []
        self.seen: dict[int, Process] = {}
        self.wake_at = now
        self._mark = mark
        self._kill_at = now + max(0.0, grace)
        self._asked = False
        self._look_after = LOOK_EVERY

    def hasten(self, kill_at: float) -> None:
        """Kill at this time, if it is earlier than planned."""
        self._kill_at = min(self._kill_at, kill_at)
        self.wake_at = min(self.wake_at, self._kill_at)

    def step(self, now: float, *, leader_gone: bool) -> bool:
        """Do what is due; true when nothing of the run lives, or what lives cannot be killed."""
        alive = processes.members(self.leader, self._mark, self.seen.values())
        self.seen |= {process.pid: process for process in alive}
        if leader_gone and not alive and (processes.LINUX or not processes.group_exists(self.leader)):
            return True
        if now >= self._kill_at + PATIENCE:
            self.left = alive
            return True
        if now >= self._kill_at:
            processes.send(_KILL, self.leader, alive)
        elif not self._asked:
            processes.send(signal.SIGTERM, self.leader, alive)
            self._asked = True
        # A death wakes us at once; looking again is for processes whose death nobody tells us.
        self._look_after = min(self._look_after * 1.5, 0.25)
        next_look = now + self._look_after
        self.wake_at = min(next_look, self._kill_at) if now < self._kill_at else next_look
        return False


_KILL = signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL
