"""One zygote as the keeper sees it: started, watched, asked for children, ended (see `headrace.engine.zygote`).

Asking for a child blocks, since its answer takes a few milliseconds. An answer that does not come is no risk:
a child does nothing before it has read its spec, and the pipe of that one is closed without a word.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from contextlib import suppress

from headrace.worker.keeper import processes
from headrace.worker.keeper.spawn import Pipes, Spawned, before_exec
from headrace.worker.keeper.wire import Message, decode, encode

ANSWER_WITHIN = 5.0
ROOM_FOR_MARK = 64
"""A mark is the run's UUID (36 characters), a colon and the attempt's number."""


class ZygoteError(Exception):
    """It gives no child; the message says why. `lives`: it answered, so it may give the next one."""

    def __init__(self, message: str, *, lives: bool = False) -> None:
        super().__init__(message)
        self.lives = lives


class Zygote:
    """`ready` when it can be asked; `failure` is why it cannot be, `ended` that it has hung up."""

    def __init__(self, python: str, env: dict[str, str], preload: Sequence[str], started_at: float) -> None:
        self.ready = False
        self.ended = False
        self.failure: str | None = None
        self.forks = 0
        self.started_at = self.used_at = started_at
        self._files: dict[str, tuple[int, int] | None] = {}
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
                env={**env, processes.MARK: "-" * ROOM_FOR_MARK},
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

    def hear(self) -> None:
        """Take its first line, or its end."""
        try:
            data = self.socket.recv(256 * 1024)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._heard += data
        if self._heard.endswith(b"\n"):
            message = decode(self._heard)
            self._heard = b""
            self.failure = message.get("failed")
            self._files = {path: _stamp(path) for path in message.get("ready") or ()}
            self.ready = self.failure is None
        elif not data:
            self.ended = True

    def fork(self, order: Message, mark: str) -> Spawned:
        """Have it start what a `start` message orders.

        Raises:
            ZygoteError: It cannot.
            OSError: There are no descriptors left for pipes.
        """
        pipes = Pipes(engine=True)
        try:
            pid = self._ask(
                order, mark, [pipes.theirs[name] for name in ("stdout", "stderr", "spec", "events")]
            )
        except BaseException:
            pipes.close()
            raise
        pipes.started()
        self.forks += 1
        return pipes.child(pid)

    def end(self) -> None:
        """Let it go: it ends when its socket is closed, or is killed."""
        self.socket.close()
        if self._process.returncode is None:
            # Not by Popen, which might collect it, and then the keeper would wait for it for ever.
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def reaped(self, status: int) -> None:
        """The keeper's loop has collected it."""
        self._process.returncode = status

    def _ask(self, order: Message, mark: str, handles: list[int]) -> int:
        request = {"cwd": order.get("cwd") or "/", "env": order["env"], "limits": order.get("limits")}
        data = encode({**request, "mark_name": processes.MARK, "mark": mark})
        self.socket.settimeout(ANSWER_WITHIN)
        try:
            socket.send_fds(self.socket, [len(data).to_bytes(4, "big")], handles)
            self.socket.sendall(data)
            answer = b""
            while not answer.endswith(b"\n"):
                part = self.socket.recv(64 * 1024)
                if not part:
                    raise ZygoteError("its process ended")
                answer += part
            self.socket.setblocking(False)
        except OSError as error:
            raise ZygoteError(f"it does not answer: {type(error).__name__}: {error}") from error
        message = decode(answer)
        if "pid" not in message:
            raise ZygoteError(str(message.get("failed")), lives=True)
        return int(message["pid"])


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - at each start, for some thirty files
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
