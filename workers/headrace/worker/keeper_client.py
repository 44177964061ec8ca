"""The worker's side of the keeper: find one or start one, speak to it, hear it."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from headrace.worker.decisions import Key
from headrace.worker.events import KeeperGone, KeeperSaid, Launch
from headrace.worker.keeper import address
from headrace.worker.keeper.wire import Lines, Message, decode, encode
from headrace.worker.lease import Lease
from headrace.worker.prepare import INHERITED

READY_WITHIN = 20.0
ANSWER_WITHIN = 10.0
LINE_BYTES = 256 * 1024 * 1024


class KeeperError(Exception):
    """The keeper cannot be started or does not want us; the message says why."""


class KeeperClient:
    """One keeper. Sending is done by the loop's thread alone; what is heard goes to `post`."""

    def __init__(
        self, folder: Path, post: Callable[[KeeperSaid | KeeperGone], None], on_disconnect: str
    ) -> None:
        self._folder = folder
        self._post = post
        self._on_disconnect = on_disconnect
        self._guards = False
        self._guarded: frozenset[Key] = frozenset()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._reader: threading.Thread | None = None

    def find(self) -> Message | None:
        """Take over the keeper that a worker before us left; gives its `welcome`, or `None`.

        Raises:
            KeeperError: It refuses.
        """
        found = address.connect(self._folder)
        if found is None:
            return None
        self._socket, card = found
        lines = Lines(LINE_BYTES)
        self._send({"op": "hello", "token": card["token"], "on_disconnect": self._on_disconnect})
        heard: list[Message] = []
        self._socket.settimeout(ANSWER_WITHIN)
        while not heard:
            data = self._welcome(card["pid"])
            if not data:
                self._socket.close()
                self._socket = None
                return None
            heard = [decode(line) for line in lines.feed(data)]
        self._socket.settimeout(None)
        welcome, *rest = heard
        if welcome["t"] != "welcome":
            raise KeeperError(f"The keeper in {self._folder} refuses this worker: {welcome.get('message')}.")
        # One of an earlier release does not know the word, and would hang up.
        self._guards = bool(welcome.get("guards"))
        self._reader = threading.Thread(
            target=self._listen, args=(self._socket, lines, rest), name="keeper", daemon=True
        )
        self._reader.start()
        return welcome

    def start(self) -> Message:
        """Start a new keeper.

        Raises:
            KeeperError: It does not come up.
        """
        log = self._folder / "keeper.log"
        env = {name: value for name, value in os.environ.items() if INHERITED.fullmatch(name)}
        with log.open("wb") as errors:
            # In a session of its own: neither the terminal's Ctrl-C nor its end reach it.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "headrace.worker.keeper", str(self._folder)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=env,
                start_new_session=True,
            )
        if (line := self._first_line()) != "ready":
            self._process.kill()
            raise KeeperError(f"The keeper did not start ({line or 'no word from it'}); see {log}.")
        welcome = self.find()
        if welcome is None:
            raise KeeperError(f"The keeper started and left again; see {log}.")
        return welcome

    def session(self, data: Message) -> None:
        """Leave word for a later worker of this name."""
        self._send({"op": "session", "data": data})

    def sent(self, seq: int, marks: list[tuple[str, int, int, int]]) -> None:
        """A sync is about to be sent."""
        self._send({"op": "sent", "seq": seq, "logs": marks})

    def lease(self, lease: Lease) -> None:
        """The children may live until then."""
        self._send({"op": "lease", "deadline": lease.deadline, "term_at": lease.term_at})

    def guard(self, keys: frozenset[Key]) -> None:
        """From now on, have what the steps of these attempts start ended with us, or with the lease."""
        if self._guards and keys != self._guarded:
            self._guarded = keys
            self._send({"op": "guard", "marks": [f"{run}:{attempt}" for run, attempt in keys]})

    def launch(self, key: Key, launch: Launch, meta: Message, start_method: str) -> None:
        """Start a child."""
        order: Message = {
            "op": "start",
            **_name(key),
            "argv": launch.argv,
            "env": launch.env,
            "cwd": launch.cwd,
        }
        order |= {
            "spec": launch.spec,
            "timeout": launch.timeout,
            "grace": launch.grace,
            "limits": launch.limits,
            "start_method": start_method,
            "preload": launch.preload,
            "redact": launch.redact,
            "notes": launch.notes,
        }
        self._send({**order, "meta": meta})

    def kill(self, key: Key, why: str, grace: float | None) -> None:
        """End a child."""
        self._send({"op": "kill", **_name(key), "why": why, "grace": grace})

    def ack(self, key: Key, *, states: int = 0, logs: int = 0) -> None:
        """These were delivered."""
        self._send({"op": "ack", **_name(key), "states": states, "logs": logs})

    def answer(self, key: Key, number: int, body: Message) -> None:
        """Answer what a child asked."""
        self._send({"op": "answer", **_name(key), "id": number, "body": body})

    def leave(self) -> None:
        """Have it exit, and wait until it has."""
        self._send({"op": "exit", "grace": 0})
        if self._reader is not None:
            self._reader.join(timeout=10)
        self.close()

    def close(self) -> None:
        """Let go of it; it goes on by itself if there is something to keep."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            if self._reader is not None:
                self._reader.join(timeout=10)
            self._socket.close()
            self._socket = None
        self._reap()

    def _welcome(self, pid: int) -> bytes:
        if self._socket is None:
            return b""
        try:
            return self._socket.recv(256 * 1024)
        except TimeoutError as error:
            raise KeeperError(
                f"The keeper of this worker (process {pid}) does not answer; end it with `kill -9 {pid}`."
            ) from error
        except OSError:
            return b""

    def _send(self, message: Message) -> None:
        # A keeper that is gone is found by the reader, which says so in the mailbox.
        with suppress(OSError):
            if self._socket is not None:
                self._socket.sendall(encode(message))

    def _listen(self, source: socket.socket, lines: Lines, heard: list[Message]) -> None:
        while True:
            for message in heard:
                self._post(KeeperSaid(message))
            try:
                data = source.recv(256 * 1024)
            except OSError:
                data = b""
            if not data:
                self._post(KeeperGone())
                return
            heard = [decode(line) for line in lines.feed(data)]

    def _first_line(self) -> str:
        if self._process is None or self._process.stdout is None:
            return ""
        with self._process.stdout as pipe:
            ready, _, _ = select.select([pipe], [], [], READY_WITHIN)
            return pipe.readline().decode().strip() if ready else ""

    def _reap(self) -> None:
        if self._process is not None and self._process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=1)
        # Still there: it keeps running children, on purpose; it is nobody's zombie once we are gone.
        if self._process is not None and self._process.returncode is None:
            self._process.returncode = 0
        self._process = None


def _name(key: Key) -> dict[str, str | int]:
    run, attempt = key
    return {"run": str(run), "attempt": attempt}


def key_of(message: Message) -> Key:
    """Which attempt a keeper's line is about."""
    return UUID(message["run"]), int(message["attempt"])
