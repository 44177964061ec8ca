"""Time limits on user code: by alarm on Unix's main thread, else by an exception sent into the thread.

What is raised inside the code is no `Exception`, so that `except Exception` does not swallow it; outside
it becomes `RunTimedOut`. A blocking call into C is interrupted on Unix's main thread and otherwise only
when it returns: a worker therefore enforces a flow's time limit from outside, too.
"""

from __future__ import annotations

import signal
import threading
from contextlib import suppress
from time import monotonic
from types import FrameType, TracebackType


class RunTimedOut(TimeoutError):
    """A flow or task ran longer than its `timeout_seconds`."""

    def __init__(self, what: str, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"{what} ran longer than {seconds:g} s and was stopped")


class _Expired(BaseException):
    """Raised in the code that took too long; each limit has a subclass of its own."""


class TimeLimit:
    """`with TimeLimit(what, seconds):` the block must end within so many seconds."""

    def __init__(self, what: str, seconds: float) -> None:
        self._what = what
        self._seconds = seconds
        self._mark: type[BaseException] = type("_Expired", (_Expired,), {})
        self._alarm = (_SignalAlarm if _signals_work() else _ThreadAlarm)(self._mark, seconds)

    def __enter__(self) -> None:
        self._alarm.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with suppress(self._mark):  # it may ring while we are stopping it: `fired` says so below
            self._alarm.stop()
        if not self._alarm.fired:
            return
        cause = None if error is None or isinstance(error, self._mark) else error
        raise RunTimedOut(self._what, self._seconds).with_traceback(traceback) from cause


def _signals_work() -> bool:
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()


class _SignalAlarm:
    """SIGALRM, shared by nested limits: the timer always runs for the nearest deadline.

    An alarm that somebody else had set is put back afterwards, with the time that it has left.
    """

    armed: list[_SignalAlarm] = []  # noqa: RUF012 - one timer per process, so one list
    others_handler: object = None
    others_deadline = 0.0

    def __init__(self, mark: type[BaseException], seconds: float) -> None:
        self.mark = mark
        self.seconds = seconds
        self.deadline = 0.0
        self.fired = False

    def start(self) -> None:
        self.deadline = monotonic() + self.seconds
        if not self.armed:
            left, _ = signal.setitimer(signal.ITIMER_REAL, 0)
            _SignalAlarm.others_deadline = monotonic() + left if left else 0.0
            _SignalAlarm.others_handler = signal.signal(signal.SIGALRM, self._ring)
        self.armed.append(self)
        self._set_timer()

    def stop(self) -> None:
        self.armed.remove(self)
        self._set_timer()
        if not self.armed:
            signal.signal(signal.SIGALRM, _SignalAlarm.others_handler or signal.SIG_DFL)  # type: ignore[arg-type]
            if _SignalAlarm.others_deadline:
                signal.setitimer(signal.ITIMER_REAL, max(_SignalAlarm.others_deadline - monotonic(), 1e-6))

    @classmethod
    def _set_timer(cls) -> None:
        waiting = [alarm.deadline for alarm in cls.armed if not alarm.fired]
        signal.setitimer(signal.ITIMER_REAL, max(min(waiting) - monotonic(), 1e-6) if waiting else 0)

    @classmethod
    def _ring(cls, _signal: int, _frame: FrameType | None) -> None:
        for alarm in cls.armed:  # the outermost first: its end is the end of those within
            if not alarm.fired and alarm.deadline <= monotonic():
                alarm.fired = True
                cls._set_timer()
                raise alarm.mark
        cls._set_timer()


class _ThreadAlarm:
    """A timer thread that sends the exception into the thread that made it."""

    def __init__(self, mark: type[BaseException], seconds: float) -> None:
        self.mark = mark
        self.fired = False
        self._over = False
        self._lock = threading.Lock()
        self._thread = threading.get_ident()
        self._timer = threading.Timer(seconds, self._ring)
        self._timer.daemon = True

    def start(self) -> None:
        self._timer.start()

    def stop(self) -> None:
        """Send nothing any more. What was sent and has not come yet comes here.

        Taken back by `PyThreadState_SetAsyncExc(..., NULL)` it would leave CPython 3.11 looking for it for ever, and
        a function that is traced (by a debugger, or for coverage) would hang.
        """
        try:
            with self._lock:
                self._over = True
            self._timer.cancel()
            for _ in range(3):  # each turn looks for it
                pass
        except self.mark:
            return

    def _ring(self) -> None:
        with self._lock:
            if not self._over:
                self.fired = True
                _raise_in(self._thread, self.mark)


def _raise_in(thread: int, kind: type[BaseException]) -> None:
    import ctypes

    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(kind))
