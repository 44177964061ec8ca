"""Parts of a run in items of their own: parameters and outcome, when they are large.

Every write of an item is billed by its whole size (AWS, DynamoDB read and write operations), and a
run's own item is written at every step.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence

from chalicelib.domain.runs import Run
from chalicelib.storage.documents import Key, Transaction
from chalicelib.storage.table import Item

SMALL = 700
"""Bytes of parameters, and of an outcome, that a run's own item carries."""
_NAMES = {"P": "PARAMETERS", "O": "OUTCOME"}


def large_parts(run: Run, before: Run | None = None) -> list[Item]:
    """Items for what is large, as far as it is not stored already."""
    parts = {}
    kept = before is not None and before.expires_at == run.expires_at
    if not (kept and before and before.parameters is run.parameters):
        parts["PARAMETERS"] = packed(run.parameters)
    if not (kept and before and before.result is run.result and before.error is run.error):
        parts["OUTCOME"] = outcome(run)
    return [
        Item(f"RUN#{run.id}", sk, blob=blob, expires_at=run.expires_at)
        for sk, blob in parts.items()
        if len(blob) > SMALL
    ]


def large_names(run: Run) -> str:
    """Which parts of a run are large: a letter for each."""
    return ("P" if len(packed(run.parameters)) > SMALL else "") + ("O" if len(outcome(run)) > SMALL else "")


def small_again(run: Run, before: Run) -> list[Item]:
    """Items of what was large before and is not any more: nothing would ever delete them."""
    blobs = {}
    if before.parameters is not run.parameters:
        blobs["PARAMETERS"] = packed(before.parameters), packed(run.parameters)
    if before.result is not run.result or before.error is not run.error:
        blobs["OUTCOME"] = outcome(before), outcome(run)
    return [Item(f"RUN#{run.id}", sk) for sk, (old, new) in blobs.items() if len(old) > SMALL >= len(new)]


def with_parts(write: Transaction, parts: Sequence[Item], gone: Sequence[Item] = ()) -> Transaction:
    """Written together with the run or not at all: the loser of a race must not leave its parts behind."""
    for part in parts:
        write.put(part)
    for part in gone:
        write.delete(part)
    return write


def part_keys(item: Item) -> list[Key]:
    """Where the parts of a run's item are."""
    return [(item.pk, _NAMES[part]) for part in item.parts or ""]


def contents(item: Item, parts: Mapping[Key, Item]) -> dict[str, object]:
    """Parameters and outcome of a run, as far as its document does not hold them."""
    found: dict[str, object] = {}
    if "P" in (item.parts or "") and (blob := _blob(parts, item, "P")):
        found["parameters"] = _unpacked(blob)
    if "O" in (item.parts or "") and (blob := _blob(parts, item, "O")):
        found |= _unpacked(blob)
    return found


def outcome(run: Run) -> bytes:
    """Result and error, packed; nothing while there is neither."""
    if run.result is None and run.error is None:
        return b""
    return packed({"result": run.result, "error": run.error})


def packed(value: object) -> bytes:
    """As compressed JSON."""
    return zlib.compress(json.dumps(value, separators=(",", ":")).encode(), 6)


def _blob(parts: Mapping[Key, Item], item: Item, part: str) -> bytes | None:
    found = parts.get((item.pk, _NAMES[part]))
    return found.blob if found else None


def _unpacked(data: bytes) -> dict[str, object]:
    value: dict[str, object] = json.loads(zlib.decompress(data))
    return value
