"""One run's child: its pipes, what it said, its timeout and its end."""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Callable
from json.encoder import encode_basestring as encode_text
from pathlib import Path
from subprocess import SubprocessError
from typing import Protocol

from headrace.worker.keeper import processes
from headrace.worker.keeper.asks import Asks, Feed, too_many
from headrace.worker.keeper.clock import now_iso
from headrace.worker.keeper.ending import Ending
from headrace.worker.keeper.events import understood
from headrace.worker.keeper.pace import Pace
from headrace.worker.keeper.redact import Redaction
from headrace.worker.keeper.spawn import Spawned, why_not_started
from headrace.worker.keeper.spool import Spool
from headrace.worker.keeper.wire import Lines, Message, encode

INFO, WARNING = 20, 30
"""As in `logging`, which would add to the keeper's size."""
OUTPUT_LINE = 64 * 1024
EVENT_LINE = 64 * 1024 * 1024
LOG_LINE = b'{"t":"log",'
"""How the engine begins a record."""
READ_AT_ONCE = 16 * 1024
"""Of one pipe in one turn of the loop: a run that floods its log must not hold the others up."""
LEFTOVER_GRACE = 2.0
"""What a run leaves behind after its own end gets this long after SIGTERM, if its grace is not shorter."""
DRAIN = 1.0
"""Somebody unknown may hold a pipe open after all is gone: stop listening after this."""


class Watch(Protocol):
    """The keeper's loop, as far as a child needs it."""

    def watch(self, handle: int, events: int, act: Callable[[], None]) -> None:
        """Call `act` when the handle is ready."""

    def leave(self, handle: int) -> None:
        """Stop that; the handle stays open."""

    def unwatch(self, handle: int) -> None:
        """Stop, and close the handle."""


class Child:
    """Moved on by `advance`, which is called after anything happened and at `wake_at`."""

    def __init__(self, order: Message, folder: Path, loop: Watch) -> None:
        self.run: str = order["run"]
        self.attempt: int = order["attempt"]
        self.order = order
        self.pid: int | None = None
        self.states: list[Message] = []
        self.states_sent = self.states_acked = 0
        self.spool = Spool(folder / f"{self.run}-{self.attempt}.log")
        self.marks: list[tuple[int, int]] = []
        self.asks = Asks()
        self._redaction = Redaction(order.get("redact") or ())
        self.over = False
        self._feed: Feed | None = None
        self._loop = loop
        self._mark = f"{self.run}:{self.attempt}"
        self._grace = float(order.get("grace") or 0)
        self._timeout_at: float | None = None
        self._open: set[int] = set()
        self._resting: dict[int, tuple[float, Callable[[], None]]] = {}
        self._spawned: Spawned | None = None
        self._status: int | None = None
        self._ending: Ending | None = None
        self._said_before = False
        self._gone_at: float | None = None

    @property
    def done(self) -> bool:
        """Over, and all that it said was delivered."""
        return self.over and self.states_acked >= len(self.states) and self.spool.empty

    def start(self, now: float, start: Callable[[Message, str, float], Spawned]) -> None:
        """Start it; one that cannot be started is over at once, with the reason in its `exited` state."""
        for note in self.order.get("notes") or ():
            self._log(INFO, "headrace.worker", note)
        try:
            self._spawned = spawned = start(self.order, self._mark, now)
        except (OSError, ValueError, SubprocessError) as error:
            self.refuse(why_not_started(self.order, error), "spawn")
            return
        self.pid = spawned.pid
        if spawned.warning:
            self._log(WARNING, "headrace.worker", spawned.warning)
        if timeout := self.order.get("timeout"):
            self._timeout_at = now + float(timeout)
        whole = self._redaction.whole()
        self._listen(spawned.stdout, Lines(OUTPUT_LINE, whole), self._output("stdout"))
        self._listen(spawned.stderr, Lines(OUTPUT_LINE, whole), self._output("stderr"))
        if spawned.events is not None:
            self._listen(spawned.events, Lines(EVENT_LINE), self._events)
        if spawned.spec is not None:
            self._feed = Feed(spawned.spec, self._loop)
            self._feed.write(encode(self.order.pop("spec")))  # it may be large, and is not needed again
        how = "zygote" if spawned.popen is None else "spawn"
        self._state({"t": "spawned", "at": now_iso(), "pid": self.pid, "how": how})

    def refuse(self, message: str, why: str) -> None:
        """It never started."""
        self.over = True
        self._state({"t": "exited", "at": now_iso(), "status": None, "why": why, "message": message})

    def end(self, why: str, grace: float | None, now: float) -> None:
        """End all its processes; a second call can only make it faster."""
        if self.over or self.pid is None or (self._status is not None and self._ending is None):
            return
        grace = self._grace if grace is None else grace
        if self._ending is None:
            self._said_before = self.states[-1]["t"] == "receipt"
            self._ending = Ending(self.pid, self._mark, why, grace, now)
        else:
            self._ending.hasten(now + grace)

    def answer(self, number: int, body: Message) -> None:
        """Hand on the answer to a question."""
        self.asks.answered(number)
        if self._feed is not None:
            self._feed.write(encode({**body, "id": number}))

    def reaped(self, status: int) -> None:
        """Its first process is gone, with this status (negative: the signal)."""
        self._status = status
        if self._spawned is not None and self._spawned.popen is not None:
            self._spawned.popen.returncode = status
        self.look()

    def look(self) -> None:
        """Somebody died: look at once whether the run's end is complete."""
        if self._ending is not None:
            self._ending.wake_at = 0.0

    def wake_at(self) -> float | None:
        """When `advance` must be called at the latest."""
        if self.over:
            return None
        wakes = [until for until, _ in self._resting.values()]
        if self._gone_at is not None:
            wakes.append(self._gone_at + DRAIN)
        elif self._ending is not None:
            wakes.append(self._ending.wake_at)
        elif self._timeout_at is not None:
            wakes.append(self._timeout_at)
        return min(wakes, default=None)

    def advance(self, now: float, strangers: Callable[[], bool]) -> None:
        """Do what is due. `strangers` tells whether the keeper inherited processes it did not start."""
        if self.over or self.pid is None:
            return
        self._read_on(now)
        if self._status is None and self._timeout_at is not None and now >= self._timeout_at:
            self._timeout_at = None
            self.end("timeout", None, now)
        if self._gone_at is None and self._is_gone(now, strangers):
            self._gone_at = now
        if self._gone_at is not None and (not self._open or now >= self._gone_at + DRAIN):
            self._finish()

    def _is_gone(self, now: float, strangers: Callable[[], bool]) -> bool:
        if self._ending is None:
            if self._status is None or self.pid is None:
                return False
            alone = not processes.group_exists(self.pid)
            if alone and not (strangers() and processes.members(self.pid, self._mark)):
                return True
            self._ending = Ending(self.pid, self._mark, "", min(self._grace, LEFTOVER_GRACE), now)
        return now >= self._ending.wake_at and self._ending.step(now, leader_gone=self._status is not None)

    def _finish(self) -> None:
        for handle in list(self._open):
            self._close(handle)
        if self._feed is not None:
            self._feed.close()
        self.asks.clear()
        self.spool.end(now_iso())
        ending = self._ending
        seen = ending.seen.values() if ending else ()
        left = ending.left if ending else []
        self.over = True
        self._state(
            {
                "t": "exited",
                "at": now_iso(),
                "status": self._status,
                "log_bytes": self.spool.taken,
                "why": (ending.why or None) if ending else None,
                "said_before": self._said_before,
                "left": [{"pid": process.pid, "name": process.name} for process in left],
                "ended": [
                    {"pid": process.pid, "name": process.name} for process in seen if process.pid != self.pid
                ],
            }
        )

    def _state(self, event: Message) -> None:
        self.states.append(event)

    def _output(self, name: str) -> Callable[[list[bytes]], None]:
        """Takes lines of a stream. Written out by hand: a run may print a million of them."""
        rest = b'","level":%d,"name":"%s","message":' % (INFO, name.encode())
        clean = self._redaction.line if self._redaction.is_needed else None

        def take(lines: list[bytes]) -> None:
            if self.spool.is_over:
                self.spool.dropped += len(lines)
                return
            at = now_iso()
            head = b'{"t":"log","at":"' + at.encode() + rest
            for line in lines:
                plain = line.decode("utf-8", "replace").rstrip("\r")
                text = encode_text(clean(plain) if clean else plain)
                self.spool.add(head + text.encode() + b"}", at)

        return take

    def _log(self, level: int, name: str, message: str) -> None:
        at = now_iso()
        record = {"t": "log", "at": at, "level": level, "name": name, "message": message}
        self.spool.add(encode(record)[:-1], at)

    def _events(self, lines: list[bytes]) -> None:
        for line in lines:
            if self.spool.is_over and line.startswith(LOG_LINE):  # a flood is not worth being read
                self.spool.dropped += 1
            else:
                self._event(line)

    def _event(self, line: bytes) -> None:
        if (heard := understood(line)) is None:
            whole = self._redaction.whole()
            begin = line[: 200 + max(map(len, whole), default=0)]
            self._output("events")(Lines(200, whole).feed(begin + b"\n")[:1])
            return
        event, line = heard
        if self._redaction.is_needed:
            event = self._redaction.event(event)
            line = encode(event)[:-1]
        if event.get("t") == "log":
            self.spool.add(line, str(event.get("at", "")))
        elif event.get("t") in ("started", "receipt"):
            self._state(event)
        elif event.get("t") == "ask" and not self.asks.add(event) and self._feed is not None:
            self._feed.write(encode(too_many(event)))

    def _listen(self, handle: int, lines: Lines, take: Callable[[list[bytes]], None]) -> None:
        pace = Pace()

        def read() -> None:
            try:
                data = os.read(handle, READ_AT_ONCE)
            except BlockingIOError:
                return
            take(lines.feed(data) if data else lines.close())
            if not data:
                self._close(handle)
            elif rest := pace.rest(time.monotonic()):
                self._loop.leave(handle)
                self._resting[handle] = (rest, read)

        self._open.add(handle)
        self._loop.watch(handle, selectors.EVENT_READ, read)

    def _close(self, handle: int) -> None:
        self._open.discard(handle)
        if self._resting.pop(handle, None):
            os.close(handle)
        else:
            self._loop.unwatch(handle)

    def _read_on(self, now: float) -> None:
        for handle, (until, read) in list(self._resting.items()):
            if now >= until:
                del self._resting[handle]
                self._loop.watch(handle, selectors.EVENT_READ, read)
