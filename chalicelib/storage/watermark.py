"""When the tick was last done: tells an outage of the control plane from a quiet minute."""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.names import stamp, unstamp
from chalicelib.storage import documents
from chalicelib.storage.table import Item


class Watermark:
    """One item. `last` is what was read most lately."""

    last: datetime | None = None

    def read(self) -> datetime | None:
        """When the last tick was done, or None before the first."""
        item = documents.get(("TICK", "TICK"))
        self.last = unstamp(item.doc) if item and item.doc else None
        return self.last

    def write(self, moment: datetime) -> None:
        """The tick of that moment is done."""
        documents.put(Item("TICK", "TICK", doc=stamp(moment)))
