"""Snapshots: all items and queues in one file per generation, and reading them and the journals back."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headrace.local import private
from headrace.local.aws.items import StoredItem
from headrace.local.aws.table import PartitionedTable
from headrace.local.aws.wire import decode, encode
from headrace.local.durable import sync_names
from headrace.local.journal import HEADER, Journal, cut, image, queue_entry
from headrace.local.records import DataError, Torn, frame, read

_BATCH = 256
_PAUSE = 0.0005
_NUMBERED = re.compile(r"(journal|snapshot)-(\d{8})\.log")


@dataclass
class State:
    """What the files of a data directory say, last word first."""

    items: dict[tuple[Any, ...], tuple[bytes, dict[str, Any]]] = field(default_factory=dict)
    queues: dict[str, dict[str, str]] = field(default_factory=dict)
    generation: int = 1


def path_of(directory: Path, generation: int) -> Path:
    """Where the snapshot of a generation lies: all that happened before the journal of that generation."""
    return directory / f"snapshot-{generation:08d}.log"


def write(
    directory: Path,
    generation: int,
    items: Iterable[tuple[str, StoredItem]],
    queues: Mapping[str, dict[str, str]],
) -> None:
    """Write a snapshot beside the running server, and only then give it its name."""
    final = path_of(directory, generation)
    partial = final.with_suffix(".partial")
    try:
        with private.opened(partial) as file:
            file.write(HEADER)
            for name, attributes in queues.items():
                file.write(frame(queue_entry(name, attributes)))
            count = 0
            for count, (table, item) in enumerate(items, start=1):
                file.write(frame(image(table, item)))
                if count % _BATCH == 0:
                    time.sleep(_PAUSE)  # requests come first: give the interpreter away between batches
            file.write(frame(b'{"end":%d}' % count))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(final)
        sync_names(directory)  # before the files that it replaces are removed
    finally:
        partial.unlink(missing_ok=True)


def remove_before(directory: Path, generation: int) -> None:
    """Remove what the snapshot of a generation has made superfluous."""
    for path in sorted(directory.iterdir()):
        numbered = _NUMBERED.fullmatch(path.name)
        if path.suffix == ".partial" or (numbered and int(numbered.group(2)) < generation):
            path.unlink()


def load(directory: Path, tables: Mapping[str, PartitionedTable]) -> State:
    """Read the newest snapshot and the journals after it. A torn last record is cut off."""
    found = [_NUMBERED.fullmatch(path.name) for path in directory.iterdir()]
    numbers = {(match.group(1), int(match.group(2))) for match in found if match}
    newest = max((number for kind, number in numbers if kind == "snapshot"), default=0)
    journals = sorted(number for kind, number in numbers if kind == "journal" and number >= newest)
    state = State(generation=max([newest, 1, *journals]))
    if newest:
        _load_snapshot(path_of(directory, newest), state, tables)
    for number in journals:
        _load_journal(Journal.path(directory, number), state, tables, last=number == journals[-1])
    return state


def _load_snapshot(path: Path, state: State, tables: Mapping[str, PartitionedTable]) -> None:
    ended = False
    for payload in read(path):
        if isinstance(payload, Torn):
            break
        ended = payload.startswith(b'{"end":')
        _apply(path, payload, state, tables)
    if not ended:
        raise DataError(f"{path} is not whole. Restore it from a backup; the journal after it is not enough.")


def _load_journal(path: Path, state: State, tables: Mapping[str, PartitionedTable], last: bool) -> None:
    for payload in read(path):
        if not isinstance(payload, Torn):
            _apply(path, payload, state, tables)
        elif last:
            cut(path, payload.offset)
        else:
            raise DataError(
                f"{path} ends in a torn record at byte {payload.offset}, and later journals exist."
            )


def _apply(path: Path, payload: bytes, state: State, tables: Mapping[str, PartitionedTable]) -> None:
    record = decode(payload)
    for entry in record if isinstance(record, list) else (record,):
        if "q" in entry:
            state.queues.pop(entry["q"], None)
            if entry["a"] is not None:
                state.queues[entry["q"]] = entry["a"]
        elif "t" in entry:
            table = tables.get(entry["t"])
            if table is None:
                raise DataError(f"{path} holds items of the table {entry['t']}, which does not exist here.")
            _apply_item(table, entry, payload if entry is record else None, state)


def _apply_item(table: PartitionedTable, entry: dict[str, Any], whole: bytes | None, state: State) -> None:
    raw = entry.get("i") or entry["k"]
    key = (table.name, *[next(iter(raw[name].values())) for name in table.table_key_attrs])
    if "k" in entry:
        state.items.pop(key, None)
        return
    # A record of one item holds its packed form as it is, between a known head and the closing brace.
    packed = whole[len(b'{"t":,"i":') + len(json.dumps(table.name)) : -1] if whole else encode(raw)
    state.items[key] = packed, {name: raw[name] for name in table.indexed_names if name in raw}
