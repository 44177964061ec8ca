"""One connection from a worker: lines in, lines out, never blocking."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable
from contextlib import suppress

from headrace.worker.keeper.wire import Lines, Message, decode, encode

MESSAGE_BYTES = 256 * 1024 * 1024
BUSY_BYTES = 4 * 1024 * 1024


class Link:
    """`closed` is set when the other side is gone; what it had sent before is handed out first."""

    def __init__(self, sock: socket.socket, selector: selectors.BaseSelector) -> None:
        sock.setblocking(False)
        self.closed = False
        self.greeted = False
        self._sock = sock
        self._selector = selector
        self._lines = Lines(MESSAGE_BYTES)
        self._out = bytearray()
        self._deaf = False

    def open(self, act: Callable[[], None]) -> None:
        """Call `act` whenever there is something to read or to write."""
        self._selector.register(self._sock, selectors.EVENT_READ, act)

    @property
    def busy(self) -> bool:
        """Whether so much waits to be sent that more should wait elsewhere."""
        return len(self._out) > BUSY_BYTES

    def read(self) -> list[Message]:
        """All messages that are here now.

        Raises:
            ValueError: The other side sends something else.
        """
        messages: list[Message] = []
        while not self.closed:
            try:
                data = self._sock.recv(256 * 1024)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if not data:
                self.closed = True
            messages.extend(decode(line) for line in self._lines.feed(data))
        self.flush()
        return messages

    def send(self, message: Message | bytes) -> None:
        """Send now, or as soon as there is room."""
        if not self._deaf:
            self._out += message if isinstance(message, bytes) else encode(message)
            self.flush()

    def flush(self) -> None:
        """Send what waits, as far as there is room."""
        try:
            while self._out and not self.closed:
                del self._out[: self._sock.send(memoryview(self._out)[: 1 << 20].tobytes())]
        except BlockingIOError:
            pass
        except OSError:
            # Gone, but its last words may still be here: `read` hears them, and then its end.
            self._deaf = True
            self._out.clear()
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._out else 0)
        try:
            key = self._selector.get_key(self._sock)
        except KeyError:
            return
        if key.events != wanted:
            self._selector.modify(self._sock, wanted, key.data)

    def close(self) -> None:
        """Let go of the other side."""
        self.closed = True
        with suppress(KeyError):  # closed before it was opened for reading
            self._selector.unregister(self._sock)
        self._sock.close()
