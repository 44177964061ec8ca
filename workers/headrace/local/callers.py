"""Whether the one who asked still waits for the answer: what only one may have is not given to nobody."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_is_there: ContextVar[Callable[[], bool]] = ContextVar("is_there", default=lambda: True)


def is_there() -> bool:
    """Whether the caller of the request that this thread answers has not hung up; True where there is none."""
    return _is_there.get()()


@contextmanager
def calling_from(connection: socket.socket) -> Iterator[None]:
    """Requests answered inside come over this connection."""
    token = _is_there.set(lambda: not _has_ended(connection))
    try:
        yield
    finally:
        _is_there.reset(token)


def _has_ended(connection: socket.socket) -> bool:
    patience = connection.gettimeout()
    connection.settimeout(0)
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False  # it is silent, as one that waits is
    except OSError:
        return True
    finally:
        connection.settimeout(patience)
