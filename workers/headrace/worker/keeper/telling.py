"""What the keeper tells its worker of a child, as messages."""

from __future__ import annotations

import json

from headrace.worker.keeper.child import Child
from headrace.worker.keeper.wire import Message


def logs_message(child: Child, first: int, records: list[bytes]) -> bytes:
    """The `logs` line for the worker; the records are JSON already."""
    more = child.spool.has_more
    head = json.dumps({"t": "logs", "run": child.run, "attempt": child.attempt, "first": first, "more": more})
    return head[:-1].encode() + b', "records":[' + b",".join(records) + b"]}\n"


def state_message(child: Child, seq: int) -> Message:
    """The `state` line for the worker."""
    event = child.states[seq - 1]
    more = child.spool.has_more
    return {"t": "state", "run": child.run, "attempt": child.attempt, "seq": seq, "e": event, "more": more}


def ask_message(child: Child, event: Message) -> Message:
    """The `ask` line for the worker."""
    return {"t": "ask", "run": child.run, "attempt": child.attempt, "e": event}


def summary(child: Child) -> Message:
    """What `welcome` tells of a run."""
    return {
        "run": child.run,
        "attempt": child.attempt,
        "meta": child.order.get("meta"),
        "states": child.states,
        "states_acked": child.states_acked,
        "logs_acked": child.spool.acked,
        "marks": child.marks,
        "more": child.spool.has_more,
    }
