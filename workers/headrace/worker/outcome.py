"""How a run ended: its receipt if there is one, else its exit status in words."""

from __future__ import annotations

import signal
import sys
from dataclasses import dataclass

from pydantic import ValidationError

from headrace.contract.states import StateName, StateType
from headrace.contract.sync import ReportKind, RetryWish, RunError
from headrace.worker.events import ENGINE_SLACK
from headrace.worker.keeper.wire import Message

EXIT_CODES: dict[int, str] = {
    126: "the command was found but cannot be executed (is it executable, and for this machine?)",
    127: "a command was not found (is it installed, and on PATH?)",
    128: "the program left with an invalid exit code",
    130: "it was interrupted (Ctrl-C)",
    137: "it was killed (SIGKILL): probably out of memory; the system's log would say so",
    139: "it crashed with a segmentation fault (a fault in native code)",
    143: "it was asked to end (SIGTERM) by somebody other than this worker",
    255: "the program, or an ssh connection in it, failed",
}
"""What an exit code usually means. Codes above 128 are how shells pass on signals."""

SIGNALS: dict[str, str] = {
    "SIGABRT": "it aborted itself (an assertion or a fault in native code)",
    "SIGBUS": "it crashed with a bus error (often a full disk or a memory-mapped file that was cut)",
    "SIGFPE": "it crashed on an arithmetic fault in native code",
    "SIGHUP": "its terminal or session was closed",
    "SIGILL": "it crashed on an illegal instruction (native code built for another processor?)",
    "SIGINT": EXIT_CODES[130],
    "SIGKILL": EXIT_CODES[137],
    "SIGPIPE": "it wrote into a pipe that nobody reads any more",
    "SIGSEGV": EXIT_CODES[139],
    "SIGTERM": EXIT_CODES[143],
    "SIGXCPU": "it used more processor time than `cpu_seconds` allows",
    "SIGXFSZ": "it wrote a file larger than it may",
}

_LIMITS = {"type": 300, "message": 10_000, "traceback": 100_000, "hint": 1000}


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What to report of an attempt that is over."""

    kind: ReportKind
    state_type: StateType | None = None
    state_name: str | None = None
    message: str | None = None
    result: object | None = None
    error: RunError | None = None
    retry: RetryWish | None = None


def explain(status: int | None) -> str:
    """An exit status in words."""
    if status is None:
        return "nobody knows how it ended"
    if status < 0:
        name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
        return f"ended by {name}: {SIGNALS.get(name, 'no further reason known')}"
    if status in EXIT_CODES:
        return f"exit code {status}: {EXIT_CODES[status]}"
    return f"exit code {status}"


def conclude(receipt: Message | None, exited: Message, *, engine: bool, timeout: float | None) -> Conclusion:
    """The conclusion from what the child said at last and how its processes ended."""
    why, status = exited.get("why"), exited.get("status")
    if why in ("cancel", "timeout", "lease", "stop") and not _finished(receipt, exited):
        limit = timeout - ENGINE_SLACK if timeout and engine else timeout
        return _ended_by_us(why, exited, limit)
    if why == "too late":
        return Conclusion(ReportKind.RELEASED)
    if why == "spawn":
        message = f"The run could not be started: {exited.get('message')}."
        return Conclusion(ReportKind.ENDED, StateType.CRASHED, message=clip(message, 10_000))
    if receipt is not None:
        return _from_receipt(receipt)
    return _from_status(status, engine=engine)


def _finished(receipt: Message | None, exited: Message) -> bool:
    """Whether the flow came to its end although its process was told to end.

    A command's status, or a `sys.exit()` that came after that, says only that it obeyed.
    """
    if receipt is None or receipt.get("state_type") != StateType.COMPLETED:
        return False
    return not receipt.get("by_exit") or bool(exited.get("said_before", True))


def clip(text: str, most: int) -> str:
    """At most this many characters, with a visible mark where something is missing."""
    mark = " [cut]"
    return text if len(text) <= most else text[: most - len(mark)] + mark


def _ended_by_us(why: str, exited: Message, timeout: float | None) -> Conclusion:
    left = exited.get("left") or []
    names = ", ".join(f"{process['name']} ({process['pid']})" for process in left)
    rest = f" These processes could not be killed: {names}." if left else ""
    if why == "cancel":
        return Conclusion(
            ReportKind.CANCELLED,
            message="All its processes are gone." if not left else rest.strip(),
        )
    if why == "timeout":
        message = f"Ran longer than its timeout of {timeout:g} s and was ended.{rest}"
        error = RunError(type="TimeoutError", message=message)
        return Conclusion(ReportKind.ENDED, StateType.FAILED, StateName.TIMED_OUT, message, error=error)
    reasons = {
        "lease": "The worker's lease ran out before it could reach the control plane, so the run was ended.",
        "stop": "The worker was stopped while the run was going on.",
    }
    return Conclusion(ReportKind.ENDED, StateType.CRASHED, message=reasons[why] + rest)


def _from_receipt(receipt: Message) -> Conclusion:
    try:
        kind = StateType(receipt.get("state_type", ""))
        retry = receipt.get("retry")
        return Conclusion(
            ReportKind.ENDED,
            kind,
            _text(receipt.get("state_name"), 100),
            _text(receipt.get("message"), 10_000),
            receipt.get("result", receipt.get("result_repr")),
            _error(receipt.get("error")),
            RetryWish.model_validate(retry) if retry is not None else None,
        )
    except (ValueError, ValidationError, RecursionError) as error:
        message = f"The run's last word was not understood ({error.__class__.__name__}); it ran to its end."
        return Conclusion(ReportKind.ENDED, StateType.CRASHED, message=message)


def _from_status(status: int | None, *, engine: bool) -> Conclusion:
    if not engine:
        if status == 0:
            return Conclusion(ReportKind.ENDED, StateType.COMPLETED)
        kind = StateType.CRASHED if status is None or status < 0 else StateType.FAILED
        return Conclusion(ReportKind.ENDED, kind, message=f"The command failed: {explain(status)}.")
    reasons = {
        0: "The process left before the flow returned (os._exit, or an exec?).",
        1: f"The process failed before it could report: {explain(1)}. Its output is in the log; is headrace "
        "installed for the Python that the job template names?",
        2: f"The process failed before it could report: {explain(2)}. Its output is in the log.",
    }
    message = reasons.get(
        status if status is not None else -1, f"The process ended without a result: {explain(status)}."
    )
    return Conclusion(ReportKind.ENDED, StateType.CRASHED, message=message)


def _error(value: object) -> RunError | None:
    if not isinstance(value, dict):
        return None
    return RunError(
        **{name: clip(str(value[name]), most) for name, most in _LIMITS.items() if value.get(name)}
    )


def _text(value: object, most: int) -> str | None:
    return None if value is None else clip(str(value), most)


if sys.platform == "win32":
    # Windows has no signals; a process that was ended shows these codes.
    EXIT_CODES |= {3221225477: EXIT_CODES[139], 3221225786: EXIT_CODES[130]}
