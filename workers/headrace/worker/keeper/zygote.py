"""One zygote as the keeper sees it: started, watched, asked for children, ended (see `headrace.engine.zygote`).

Nobody waits for an answer: each child gives its own when it is there, so that several become ready side by side,
and a zygote that hangs holds nothing else up. An answer that does not come is no risk: a child does nothing before
it has read its spec, and the pipe of that one is closed without a word.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from headrace.worker.keeper import processes
from headrace.worker.keeper.spawn import Pipes, Spawned, before_exec
from headrace.worker.keeper.wire import Message, decode, encode

SEND_WITHIN = 1.0
"""What is asked fits into the socket's buffer, unless a hundred others wait in it."""
UNMARKED = "-" * 64
"""Room for a mark: the run's UUID (36 characters), a colon and the attempt's number."""

Stamp = tuple[int, int, int]


class ZygoteError(Exception):
    """It gives no child; the message says why."""


class Asked(NamedTuple):
    """A child that is to come: its pipes, since when, and who is to be told."""

    pipes: Pipes
    at: float
    answered: Callable[[Spawned | ZygoteError], None]


class Zygote:
    """`ready` when it can be asked; `failure` is why it cannot be, `ended` that it has hung up."""

    def __init__(self, python: str, env: dict[str, str], preload: Sequence[str], started_at: float) -> None:
        self.ready = False
        self.ended = False
        self.failure: str | None = None
        self.forks = 0
        self.started_at = self.used_at = started_at
        self.asked: dict[str, Asked] = {}
        self._files: dict[str, Stamp | None] = {}
        self._heard = b""
        self.socket, theirs = socket.socketpair()
        # Python looks once whether its standard output is a file or a pipe, and a run's are pipes.
        for_nobody, output = os.pipe()
        try:
            self._process = subprocess.Popen(
                [
                    python,
                    "-P",
                    "-m",
                    "headrace.engine",
                    "--zygote",
                    str(theirs.fileno()),
                    json.dumps(preload),
                ],
                env={**env, processes.MARK: UNMARKED},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                preexec_fn=before_exec({}),
            )
        except BaseException:
            self.socket.close()
            raise
        finally:
            theirs.close()
            os.close(for_nobody)
            os.close(output)
        self.socket.setblocking(False)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def is_stale(self) -> bool:
        """Whether a file that it has imported, or a folder of installed packages, is not what it was."""
        return any(_stamp(path) != stamp for path, stamp in self._files.items())

    @property
    def asked_at(self) -> float | None:
        """When the one was asked for that waits longest."""
        return min((asked.at for asked in self.asked.values()), default=None)

    def hear(self) -> None:
        """Take what it and its children have said; its end, too."""
        while not self.ended:
            try:
                data = self.socket.recv(256 * 1024)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            self.ended = not data
            *lines, self._heard = (self._heard + data).split(b"\n")
            for line in lines:
                self._take(decode(line))

    def ask(
        self, order: Message, mark: str, now: float, answered: Callable[[Spawned | ZygoteError], None]
    ) -> None:
        """Have it start what a `start` message orders; who asked is told by `hear` or `end`.

        Raises:
            OSError: It cannot be asked, or there are no descriptors left for pipes.
        """
        pipes = Pipes(engine=True)
        try:
            self._send(order, mark, [pipes.theirs[name] for name in ("stdout", "stderr", "spec", "events")])
        except BaseException:
            pipes.close()
            raise
        pipes.started()
        self.asked[mark] = Asked(pipes, now, answered)
        self.forks += 1

    def end(self, why: str) -> None:
        """Let it go: it ends when its socket is closed, or is killed. Children that are to come will not."""
        self.ended = True
        self.socket.close()
        if self._process.returncode is None:
            # Not by Popen, which might collect it, and then the keeper would wait for it for ever.
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        for mark in list(self.asked):
            self._answer(mark, ZygoteError(why))

    def reaped(self, status: int) -> None:
        """The keeper's loop has collected it."""
        self._process.returncode = status

    def _send(self, order: Message, mark: str, handles: list[int]) -> None:
        request = {"cwd": order.get("cwd") or "/", "env": order["env"], "limits": order.get("limits")}
        data = encode({**request, "mark_name": processes.MARK, "mark": mark})
        self.socket.settimeout(SEND_WITHIN)
        try:
            socket.send_fds(self.socket, [len(data).to_bytes(4, "big")], handles)
            self.socket.sendall(data)
        finally:
            self.socket.setblocking(False)

    def _take(self, message: Message) -> None:
        if mark := message.get("mark"):
            failed = ZygoteError(str(message.get("failed")))
            self._answer(mark, int(message["pid"]) if "pid" in message else failed)
            return
        self.failure = message.get("failed")
        self._files = {path: _stamp(path) for path in message.get("ready") or ()}
        self.ready = self.failure is None

    def _answer(self, mark: str, answer: int | ZygoteError) -> None:
        if (asked := self.asked.pop(mark, None)) is None:
            return
        if isinstance(answer, ZygoteError):
            asked.pipes.close()
            asked.answered(answer)
        else:
            asked.answered(asked.pipes.child(answer))


def _stamp(path: str) -> Stamp | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - at each start, for thirty files and more
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
