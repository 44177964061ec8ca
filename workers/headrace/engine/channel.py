"""The child's line to its parent: one JSON object per line, over a pipe that is not standard output."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Mapping
from threading import RLock
from time import gmtime, strftime, time
from typing import Any

Event = Mapping[str, Any]


def open_descriptor(number: int) -> int:
    """The file descriptor that the parent meant: on Windows it passes the handle of a pipe."""
    if os.name == "nt":
        import msvcrt

        return int(msvcrt.open_osfhandle(number, 0))  # type: ignore[attr-defined, unused-ignore]
    return number


def read_spec(descriptor: int) -> dict[str, Any]:
    """The object on the first line that the parent writes; what follows are answers (see `asking`)."""
    parts: list[bytes] = []
    while not (parts and parts[-1].endswith(b"\n")):
        data = os.read(descriptor, 1 << 20)
        if not data:
            break  # a parent that answers nothing closes its end
        parts.append(data)
    spec = json.loads(b"".join(parts))
    if not isinstance(spec, dict):
        raise TypeError("the spec is not a JSON object")
    return spec


class Channel:
    """The writing end. Safe from any thread; silent once closed, lost, or inherited by a fork.

    A line may arrive torn when a signal handler raised in the middle of writing it: the next begins on a
    line of its own, so that a reader who skips what is not JSON loses that one only.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = out_of_the_way(descriptor)
        self._identity = _identity(self._descriptor)
        self._lock = RLock()  # a signal handler that logs may come in the middle of a line
        self._torn = False
        self._open = True
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.close)

    @property
    def is_open(self) -> bool:
        """Whether lines still have a chance to arrive."""
        return self._open

    def send(self, event: Event) -> None:
        """Write one line; a parent that is gone ends the run, as nobody would hear of it any more."""
        line = json.dumps(event, ensure_ascii=False, separators=(",", ":")) + "\n"
        data = line.encode("utf-8", "replace")
        if not self._open:
            return
        with self._lock:
            try:
                self._write(b"\n" + data if self._torn else data)
            except BrokenPipeError:
                self.close()
                os.kill(os.getpid(), signal.SIGTERM)
            except OSError:
                self._open = False  # the user's code closed it: the exit code is left to tell

    def _write(self, data: bytes) -> None:
        if _identity(self._descriptor) != self._identity:
            raise OSError("the descriptor is now another file's")
        rest = memoryview(data)
        self._torn = True
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        self._torn = False

    def close(self) -> None:
        """Write nothing more. In a forked child, too: a copy held open would hide our end from the parent."""
        if not self._open:
            return
        self._open = False
        with contextlib.suppress(OSError):
            if _identity(self._descriptor) == self._identity:
                os.close(self._descriptor)


def out_of_the_way(descriptor: int) -> int:
    """A copy under a high number, which code that closes 'all' low ones does not hit; not inherited."""
    try:
        import fcntl
        import resource
    except ImportError:  # Windows
        os.set_inheritable(descriptor, False)
        return descriptor
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    high = max(descriptor, min(limit, 2048) - 50) if limit > 0 else 2000  # higher costs kernel memory
    try:
        copy = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, high)
    except OSError:
        os.set_inheritable(descriptor, False)
        return descriptor
    os.close(descriptor)
    return copy


def _identity(descriptor: int) -> tuple[int, int]:
    """Which file a descriptor stands for: its number may have been closed and given to another."""
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def now() -> str:
    """This moment in ISO 8601, UTC."""
    return moment(time())


def moment(seconds: float) -> str:
    """A time in seconds since 1970 in ISO 8601, UTC."""
    micros = round(seconds * 1_000_000)
    return f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(micros // 1_000_000))}.{micros % 1_000_000:06d}Z"
