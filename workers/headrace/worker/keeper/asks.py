"""What a child has asked and nobody has answered yet, and the pipe on which it is answered."""

from __future__ import annotations

import os
import selectors
from collections.abc import Callable
from typing import Protocol

from headrace.worker.keeper.wire import Message

MOST = 1000
"""Questions of one child that wait for their answers: so many threads it hardly has."""
WRITTEN_AT_ONCE = 64 * 1024


class Selector(Protocol):
    """The keeper's loop, as far as a pipe needs it."""

    def watch(self, handle: int, events: int, act: Callable[[], None]) -> None:
        """Call `act` when the handle is ready."""

    def leave(self, handle: int) -> None:
        """Stop that; the handle stays open."""


class Feed:
    """The pipe to a child: first its spec, then answers. Written as fast as it reads."""

    def __init__(self, handle: int, loop: Selector) -> None:
        self._handle: int | None = handle
        self._loop = loop
        self._rest = bytearray()

    def write(self, data: bytes) -> None:
        """Write this behind what waits already."""
        if self._handle is None:
            return
        if not self._rest:
            self._loop.watch(self._handle, selectors.EVENT_WRITE, self._go_on)
        self._rest += data

    def close(self) -> None:
        """The child is gone, or reads no more."""
        if self._handle is None:
            return
        if self._rest:
            self._loop.leave(self._handle)
        os.close(self._handle)
        self._handle, self._rest = None, bytearray()

    def _go_on(self) -> None:
        if self._handle is None:
            return
        try:
            del self._rest[: os.write(self._handle, self._rest[:WRITTEN_AT_ONCE])]
        except BlockingIOError:
            return
        except OSError:
            self.close()  # it left without reading; its exit status tells the story
            return
        if not self._rest:
            self._loop.leave(self._handle)


class Asks:
    """Questions by their number. A worker that comes after the one that was asked is asked again."""

    def __init__(self) -> None:
        self._open: dict[int, Message] = {}
        self._untold: list[int] = []

    def add(self, event: Message) -> bool:
        """Take a question; False if it is none, or there are too many."""
        number = event.get("id")
        if not isinstance(number, int) or number in self._open or len(self._open) >= MOST:
            return False
        self._open[number] = event
        self._untold.append(number)
        return True

    def answered(self, number: int) -> None:
        """It is settled."""
        self._open.pop(number, None)

    def rewind(self) -> None:
        """Another worker is there: tell it all."""
        self._untold = list(self._open)

    def untold(self) -> list[Message]:
        """What the worker has not been told yet."""
        numbers, self._untold = self._untold, []
        return [self._open[number] for number in numbers if number in self._open]

    def clear(self) -> None:
        """Nobody waits any more."""
        self._open, self._untold = {}, []


def too_many(event: Message) -> Message:
    """The answer to a question that is not taken."""
    message = f"At most {MOST} questions of one run wait for their answers."
    return {"id": event.get("id"), "error": {"code": "too_many", "message": message}}
