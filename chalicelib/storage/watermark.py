"""When the tick was last done: tells an outage of the control plane from a quiet minute. And what it goes on with."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chalicelib.domain.names import stamp, unstamp
from chalicelib.storage import documents
from chalicelib.storage.table import Item

KEPT = timedelta(days=1)
"""The tick forgets deleted queues itself; these would be too many for it."""


@dataclass(frozen=True, slots=True)
class Gone:
    """Queues of a pool that were deleted together."""

    pool: str
    queues: Collection[str]
    since: datetime


@dataclass(slots=True)
class Round:
    """How far the look at what waits for deleted queues came: the last line (empty: none yet, or all are done).

    `began` is when its first tick did, and `found` whether anything was found since.
    """

    began: datetime
    line: str = ""
    found: bool = False


@dataclass(frozen=True, slots=True)
class Marks:
    """What the ticks before left for the next.

    `last` is when the last one was done, None before the first. `line` is the line of blocked runs with which its
    round ended for want of time; empty if it was done. `gone` are queues deleted lately, in which runs may still
    wait, and `round` is how far the look at those came.
    """

    last: datetime | None
    line: str
    gone: Sequence[Gone]
    round: Round


class Watermark:
    """Few items, read together."""

    def read(self) -> Marks:
        """All marks as they are now."""
        docs = {item.sk: item.doc or "" for item in documents.partition("TICK", ("GONE#", "TICK"))}
        moment = docs.get("TICK")
        gone = [_gone(sk, doc) for sk, doc in docs.items() if sk.startswith("GONE#")]
        look = _round(docs.get("ROUND", "{}"))
        return Marks(unstamp(moment) if moment else None, docs.get("LINE", ""), gone, look)

    def write(self, moment: datetime) -> None:
        """The tick of that moment is done."""
        documents.put(Item("TICK", "TICK", doc=stamp(moment)))

    def note_line(self, name: str) -> None:
        """The round of the lines ended here."""
        documents.put(Item("TICK", "LINE", doc=name))

    def note_round(self, look: Round) -> None:
        """The look at what waits for deleted queues ended here."""
        doc = {"began": stamp(look.began), "line": look.line, "found": look.found}
        documents.put(Item("TICK", "ROUND", doc=json.dumps(doc)))

    def note_gone(self, pool: str, queues: Collection[str], now: datetime) -> None:
        """Before they are deleted. It does no harm if they then stay."""
        gone = Gone(pool, queues, now)
        documents.put(Item("TICK", _place(gone), doc=json.dumps(sorted(queues)), expires_at=now + KEPT))

    def forget_gone(self, gone: Gone) -> None:
        """Nothing waits there any more."""
        documents.delete(("TICK", _place(gone)))


def _place(gone: Gone) -> str:
    return f"GONE#{stamp(gone.since)}#{gone.pool}"


def _gone(sk: str, doc: str) -> Gone:
    _, since, pool = sk.split("#", 2)
    return Gone(pool, json.loads(doc), unstamp(since))


def _round(doc: str) -> Round:
    found = json.loads(doc)
    began = unstamp(found["began"]) if "began" in found else datetime.min.replace(tzinfo=UTC)
    return Round(began, found.get("line", ""), found.get("found", False))
