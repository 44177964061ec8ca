"""When the tick was last done: tells an outage of the control plane from a quiet minute. And how far it came."""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.names import stamp, unstamp
from chalicelib.storage import documents
from chalicelib.storage.table import Item


class Watermark:
    """Two items, read together. `last` and `line` are what was read most lately.

    `line` is the line of blocked runs with which the last tick's round ended for want of time; empty if it was
    done.
    """

    last: datetime | None = None
    line: str = ""

    def read(self) -> datetime | None:
        """When the last tick was done, or None before the first."""
        docs = {item.sk: item.doc for item in documents.partition("TICK", ("LINE", "TICK"))}
        moment = docs.get("TICK")
        self.last = unstamp(moment) if moment else None
        self.line = docs.get("LINE") or ""
        return self.last

    def write(self, moment: datetime) -> None:
        """The tick of that moment is done."""
        documents.put(Item("TICK", "TICK", doc=stamp(moment)))

    def note_line(self, name: str) -> None:
        """The round of the lines ended here."""
        documents.put(Item("TICK", "LINE", doc=name))
        self.line = name
