"""The keeper's loop: one worker's connection, its children, the lease's deadline."""

from __future__ import annotations

import os
import selectors
import socket
import time
from collections.abc import Callable
from pathlib import Path

from headrace.worker.keeper import processes
from headrace.worker.keeper.child import Child
from headrace.worker.keeper.clock import boottime
from headrace.worker.keeper.link import Link
from headrace.worker.keeper.signals import empty
from headrace.worker.keeper.spawn import why_not_started
from headrace.worker.keeper.starts import Start, Starts
from headrace.worker.keeper.telling import ask_message, logs_message, state_message, summary
from headrace.worker.keeper.wire import Message

START_UP = 30.0
"""How long a new keeper waits for its first worker."""
LEASE_LOOK = 1.0
"""With children in hand the clock is read this often: select's own clock stands still during sleep."""
LOG_CHUNK = 64 * 1024


class Keeper:
    """See the package's docstring for what is said to it and what it says."""

    def __init__(self, folder: Path, listener: socket.socket, token: str) -> None:
        self._folder = folder
        self._token = token
        self._listener = listener
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ, self._accept)
        self._starts = Starts(self._selector)
        self._link: Link | None = None
        self._children: dict[tuple[str, int], Child] = {}
        self._by_pid: dict[int, Child] = {}
        self._early: dict[tuple[str, int], tuple[str, float | None]] = {}
        self._guarded: list[str] = []
        self._session: Message | None = None
        self._sync_seq = 0
        self._deadline = self._term_at = boottime() + START_UP
        self._going_on = False
        self._exit = False
        self._asked_to_end = False
        self._ops: dict[str, Callable[[Message], None]] = {
            "session": self._op_session,
            "sent": self._op_sent,
            "lease": self._op_lease,
            "guard": self._op_guard,
            "start": self._op_start,
            "kill": self._op_kill,
            "ack": self._op_ack,
            "answer": self._op_answer,
            "exit": self._op_exit,
        }

    def run(self, wakeup: int) -> None:
        """Serve until there is nothing left to keep. `wakeup` becomes readable when a signal came."""
        self._selector.register(wakeup, selectors.EVENT_READ, lambda: empty(wakeup))
        while not self._finished():
            for key, _ in self._selector.select(self._timeout()):
                key.data()
            self._reap()
            self._advance()
            self._forward()
        self._starts.close()
        if self._link is not None:
            self._link.flush()

    def ask_to_end(self) -> None:
        """SIGTERM: with a worker there it is the worker's business, without one the children are ended."""
        self._asked_to_end = True

    def watch(self, handle: int, events: int, act: Callable[[], None]) -> None:
        """Call `act` when the handle is ready."""
        self._selector.register(handle, events, act)

    def leave(self, handle: int) -> None:
        """Stop that; the handle stays open."""
        self._selector.unregister(handle)

    def unwatch(self, handle: int) -> None:
        """Stop, and close the handle."""
        self.leave(handle)
        os.close(handle)

    def _live(self) -> list[Child]:
        return [child for child in self._children.values() if not child.over]

    def _finished(self) -> bool:
        if self._live():
            return False
        if self._exit:
            return True
        if self._link is not None:
            return False
        kept = self._children or self._session is None
        return not kept or boottime() >= self._deadline

    def _timeout(self) -> float | None:
        now, monotonic = boottime(), time.monotonic()
        wakes = [at - monotonic for child in self._children.values() if (at := child.wake_at()) is not None]
        if (at := self._starts.wake_at()) is not None:
            wakes.append(at - monotonic)
        if self._live() or self._guarded:
            wakes += [max(0.0, self._term_at - now) or LEASE_LOOK, LEASE_LOOK]
        elif self._link is None:
            wakes.append(self._deadline - now)
        return max(0.0, min(wakes)) if wakes else None

    def _accept(self) -> None:
        sock, _ = self._listener.accept()
        link = Link(sock, self._selector)
        link.open(lambda: self._hear(link))

    def _hear(self, link: Link) -> None:
        try:
            for message in link.read():
                if link.greeted:
                    self._ops[message["op"]](message)
                else:
                    self._greet(link, message)
        except (ValueError, KeyError, TypeError) as error:
            link.send({"t": "refused", "message": f"not understood: {type(error).__name__}: {error}"})
            link.closed = True
        if link.closed:
            link.close()
            if self._link is link:
                self._link = None
                self._end_steps()

    def _greet(self, link: Link, hello: Message) -> None:
        if hello.get("token") != self._token:
            raise ValueError("the first line must be a hello with the token")
        if self._link is not None:
            # What a killed worker said last may still lie in its socket; its end lies behind that.
            self._hear(self._link)
        if self._link is not None:
            link.send({"t": "refused", "message": "another worker is connected"})
            link.closed = True
            return
        link.greeted = True
        self._link = link
        self._going_on = hello.get("on_disconnect") == "continue"
        for child in self._children.values():
            child.spool.rewind()
            child.asks.rewind()
            child.states_sent = len(child.states)
        runs = [summary(child) for child in self._children.values()]
        link.send(
            {
                "t": "welcome",
                "session": self._session,
                "sync_seq": self._sync_seq,
                "runs": runs,
                "guards": True,
            }
        )

    def _op_session(self, message: Message) -> None:
        self._session = message["data"]
        self._sync_seq = 0

    def _op_sent(self, message: Message) -> None:
        self._sync_seq = message["seq"]
        for run, attempt, first, last in message["logs"]:
            if child := self._children.get((run, attempt)):
                child.marks.append((first, last))

    def _op_lease(self, message: Message) -> None:
        self._deadline, self._term_at = message["deadline"], message["term_at"]

    def _op_guard(self, message: Message) -> None:
        self._guarded = message["marks"]

    def _end_steps(self) -> None:
        """What makes code ready is the worker's child, not ours; but it must not outlive worker or lease."""
        for mark in self._guarded:
            processes.sweep(mark)
        if self._link is None:
            self._guarded = []

    def _op_start(self, message: Message) -> None:
        key = (message["run"], message["attempt"])
        if key in self._children:
            return
        child = self._children[key] = Child(message, self._folder / "spool", self)
        if boottime() >= self._term_at and not self._going_on:
            child.refuse("the lease ran out before the start", "too late")
            return
        mark = f"{child.run}:{child.attempt}"
        try:
            self._starts.start(message, mark, time.monotonic(), lambda start: self._begin(child, start))
        except Exception as error:
            if child.pid is not None:
                raise
            # Not the line's fault, and the worker has other runs: only what never began is over.
            child.refuse(why_not_started(message, error), "spawn")

    def _begin(self, child: Child, start: Start) -> None:
        child.start(time.monotonic(), lambda *_: start())
        if child.pid is not None:
            self._by_pid[child.pid] = child
        if early := self._early.pop((child.run, child.attempt), None):
            child.end(*early, time.monotonic())

    def _end(self, child: Child, why: str, grace: float | None) -> None:
        """End it, or as soon as it is there."""
        if child.pid is None and not child.over:
            self._early[child.run, child.attempt] = why, grace
        child.end(why, grace, time.monotonic())

    def _op_kill(self, message: Message) -> None:
        if child := self._children.get((message["run"], message["attempt"])):
            self._end(child, message["why"], message.get("grace"))

    def _op_ack(self, message: Message) -> None:
        key = (message["run"], message["attempt"])
        if (child := self._children.get(key)) is None:
            return
        child.states_acked = max(child.states_acked, message.get("states", 0))
        child.spool.ack(message.get("logs", 0))
        child.marks = [(first, last) for first, last in child.marks if last > child.spool.acked]
        if child.done:
            child.spool.close()
            del self._children[key]

    def _op_answer(self, message: Message) -> None:
        if child := self._children.get((message["run"], message["attempt"])):
            child.answer(message["id"], message["body"])

    def _op_exit(self, message: Message) -> None:
        self._exit = True
        for child in self._live():
            self._end(child, "stop", message.get("grace"))

    def _reap(self) -> None:
        """Collect every dead child, orphans that came to us included."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            code = os.waitstatus_to_exitcode(status)
            if pid not in self._by_pid:
                self._starts.hear()  # it may be one whose answer nobody has read yet
            if child := self._by_pid.pop(pid, None):
                child.reaped(code)
            elif self._starts.reaped(pid, code):
                continue
            for child in self._live():
                child.look()

    def _advance(self) -> None:
        now, monotonic = boottime(), time.monotonic()
        if now >= self._term_at and not self._going_on:
            self._end_steps()
        for child in self._live():
            if now >= self._term_at and not self._going_on:
                child.end("lease", max(0.0, self._deadline - now), monotonic)
            elif self._asked_to_end and self._link is None:
                child.end("stop", None, monotonic)
            child.advance(monotonic, self._has_strangers)
        self._starts.advance(monotonic)
        if self._link is not None:
            self._asked_to_end = False

    def _has_strangers(self) -> bool:
        known = self._by_pid.keys() | self._starts.pids()
        unknown = [pid for pid in processes.own_children() if pid not in known]
        return any(not self._starts.is_coming(pid) for pid in unknown)

    def _forward(self) -> None:
        for child in self._children.values():
            if self._link is None or self._link.closed:
                return
            while not self._link.busy:
                first, records = child.spool.take(LOG_CHUNK)
                if not records:
                    break
                self._link.send(logs_message(child, first, records))
            while child.states_sent < len(child.states):
                child.states_sent += 1
                self._link.send(state_message(child, child.states_sent))
            for event in child.asks.untold():
                self._link.send(ask_message(child, event))
