"""The clock of the embedded control plane: one tick at start and one at every minute of the wall clock."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger("headrace.server")

THREAD = "headrace-tick"
"""Name of the thread that ticks."""
_MINUTE = 60.0
_LOOK_AGAIN = 5.0


class Ticker:
    """Calls a function each minute. A tick that fails is logged; the next one comes all the same."""

    def __init__(
        self,
        tick: Callable[[], None],
        clock: Callable[[], float] = time.time,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        self._tick = tick
        self._clock = clock
        self._stop = threading.Event()
        self._wait = wait or self._stop.wait
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Tick now, and then at every minute, in the background."""
        self._thread = threading.Thread(target=self.run, name=THREAD, daemon=True)
        self._thread.start()

    def stop(self, patience: float = 1.0) -> None:
        """Tick no more; a tick that runs may end."""
        self._stop.set()
        if self._thread:
            self._thread.join(patience)

    def run(self) -> None:
        """Tick until stopped."""
        while not self._stop.is_set():
            minute = self._clock() // _MINUTE
            try:
                self._tick()
            except Exception:
                log.exception("The tick failed; the next one is due at the full minute.")
            self._wait_for_minute_after(minute)

    def _wait_for_minute_after(self, minute: float) -> None:
        """In short steps, so that a machine that slept, or whose clock was set, notices soon."""
        while not self._stop.is_set():
            remaining = (minute + 1) * _MINUTE - self._clock()
            if remaining <= 0 or remaining > _MINUTE:
                return
            self._wait(min(remaining, _LOOK_AGAIN))
