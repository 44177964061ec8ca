"""The two reports that most runs have: that it started, and how it ended."""

from __future__ import annotations

from datetime import datetime

from headrace.contract.sync import Report, ReportKind
from headrace.worker.decisions import Key
from headrace.worker.held import time_of
from headrace.worker.keeper.wire import Message
from headrace.worker.outcome import Conclusion

_OPTIONAL = ("state_type", "state_name", "message", "result", "error", "retry")


def start_report(key: Key, seq: int, event: Message, pid: int | None) -> Report:
    """The user's code, or the command, runs."""
    run, attempt = key
    return Report(run=run, attempt=attempt, seq=seq, kind=ReportKind.STARTED, at=time_of(event), pid=pid)


def last_report(key: Key, seq: int, conclusion: Conclusion, at: datetime, log_bytes: int) -> Report:
    """The attempt is over."""
    run, attempt = key
    known = {name: value for name in _OPTIONAL if (value := getattr(conclusion, name)) is not None}
    if log_bytes:
        known["log_bytes"] = log_bytes
    return Report(run=run, attempt=attempt, seq=seq, kind=conclusion.kind, at=at, **known)
