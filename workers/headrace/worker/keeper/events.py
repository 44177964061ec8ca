"""What a child says by the engine's protocol, made safe: its lines are its own code's if that so wishes."""

from __future__ import annotations

from headrace.jsonable import MOST_DEEP, is_deep
from headrace.worker.keeper.clock import now_iso
from headrace.worker.keeper.wire import Message, decode, encode

RECEIPT = b'{"t":"receipt",'
"""How the engine begins the last event of a run."""
TOO_DEEP = f"nested more than {MOST_DEEP} levels deep, and so not kept"


def understood(line: bytes) -> tuple[Message, bytes] | None:
    """The event and its line, without what is nested deeper than others can read; `None` if it is none.

    A receipt that cannot be read becomes one that says so: the run is over, and its exit status would not tell how.
    """
    try:
        event = decode(line)
    except ValueError as error:
        if not line.startswith(RECEIPT):
            return None
        message = f"The run's last word cannot be read: {error}."
        event = {"t": "receipt", "at": now_iso(), "state_type": "CRASHED", "message": message}
        return event, encode(event)[:-1]
    if line.count(b"[") + line.count(b"{") > MOST_DEEP and any(map(is_deep, event.values())):
        event = {key: TOO_DEEP if is_deep(value) else value for key, value in event.items()}
        line = encode(event)[:-1]
    return event, line
