"""The two reports that most runs have: that it started, and how it ended."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import ValidationError

from headrace.client.asking import wrong
from headrace.contract.states import StateType
from headrace.contract.sync import Report, ReportKind
from headrace.jsonable import MOST_DEEP, is_deep
from headrace.worker.decisions import Key
from headrace.worker.held import time_of
from headrace.worker.keeper.wire import Message
from headrace.worker.outcome import Conclusion, clip

MESSAGE = 10_000
"""Characters of a message, as the wire has it."""

_LIMITS = {"message": MESSAGE, "state_name": 100}
_OPTIONAL = ("state_type", "state_name", "message", "result", "error", "retry")


def start_report(key: Key, seq: int, event: Message, pid: int | None) -> Report:
    """The user's code, or the command, runs."""
    run, attempt = key
    return Report(run=run, attempt=attempt, seq=seq, kind=ReportKind.STARTED, at=time_of(event), pid=pid)


def last_report(key: Key, seq: int, conclusion: Conclusion, at: datetime, log_bytes: int) -> Report:
    """The attempt is over: CRASHED, with the reason, where the wire cannot carry what is to be told of it."""
    run, attempt = key
    head: dict[str, Any] = {"run": run, "attempt": attempt, "seq": seq, "at": at}
    if log_bytes:
        head["log_bytes"] = log_bytes
    try:
        return _carried(head, conclusion)
    except ValueError as error:
        # What a run says at last is its own code's: it must not end the worker, nor the one that comes after it.
        reason = wrong(error) if isinstance(error, ValidationError) else str(error)
        message = f"The run is over, but how it ended cannot be told: {reason.removesuffix('.')}."
        return Report(
            **head, kind=ReportKind.ENDED, state_type=StateType.CRASHED, message=clip(message, MESSAGE)
        )


def _carried(head: dict[str, Any], conclusion: Conclusion) -> Report:
    """As it is; raises ValueError where that has no place on the wire."""
    if is_deep(conclusion.result):
        raise ValueError(f"its result is nested more than {MOST_DEEP} levels deep")
    known = {name: value for name in _OPTIONAL if (value := getattr(conclusion, name)) is not None}
    known |= {name: clip(known[name], most) for name, most in _LIMITS.items() if name in known}
    report = Report(**head, kind=conclusion.kind, **known)
    report.model_dump_json()
    return report
