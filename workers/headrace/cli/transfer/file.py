"""The file of an export: a header, one JSON object a line, and how many there are in the end."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace.cli.errors import BadUsage
from headrace.cli.transfer.kinds import KINDS, RUN

FORMAT = 1
HEADER = "headrace_export"
END = "headrace_export_end"
"""Its last line: a file that was cut off between two lines would look whole without it."""
LONGEST_LINE = 6_000_000
"""Bytes: no record of the API is larger than a request may be."""


@dataclass(frozen=True)
class Row:
    """A record and where it stands."""

    line: int
    kind: str
    record: dict[str, Any]


def write(path: Path, rows: Iterable[tuple[str, dict[str, Any]]], version: str) -> dict[str, int]:
    """Write the file whole or not at all; how many records of each kind it has."""
    counts: dict[str, int] = {}
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as file:
            file.write(_line({HEADER: FORMAT, "version": version}))
            for kind, record in rows:
                file.write(_line({"kind": kind, "record": record}))
                counts[kind] = counts.get(kind, 0) + 1
            file.write(_line({END: sum(counts.values())}))
        part.replace(path)
    except OSError as error:
        raise BadUsage(f"Cannot write {path}: {error.strerror or error}.") from None
    finally:
        part.unlink(missing_ok=True)
    return counts


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True) + "\n"


def read(path: Path) -> list[Row]:
    """All rows of a file, checked: nothing is imported of one that is wrong somewhere."""
    try:
        with path.open(encoding="utf-8") as file:
            return list(_rows(file, path))
    except UnicodeDecodeError:
        raise BadUsage(f"{path} is not UTF-8 text.", _HINT) from None
    except OSError as error:
        raise BadUsage(f"Cannot read {path}: {error.strerror or error}.") from None


_HINT = "Give a file that `headrace export` wrote."
_WHOLE = "Fetch the whole file, or export it again."


def _rows(lines: Iterable[str], path: Path) -> Iterator[Row]:
    number, end = 0, None
    for number, line in enumerate(lines, 1):
        value = _parsed(line, number, path)
        if number == 1:
            _check_header(value, path)
            continue
        if end is not None:
            raise _wrong(path, number, "it stands behind the end of the export")
        if END in value:
            end = value[END]
            continue
        kind, record = value.get("kind"), value.get("record")
        if set(value) != {"kind", "record"} or not isinstance(record, dict):
            raise _wrong(path, number, "it is not a record: {kind, record}")
        if not isinstance(kind, str) or (kind not in KINDS and kind != RUN):
            raise _wrong(path, number, f"{str(kind)[:60]!r} is no kind of record")
        yield Row(number, kind, record)
    if number == 0:
        raise BadUsage(f"{path} is empty.", _HINT)
    _check_end(end, number, path)


def _check_end(end: object, lines: int, path: Path) -> None:
    if end is None:
        raise BadUsage(f"{path} is cut off: its last line is missing.", _WHOLE)
    if end != lines - 2:
        raise BadUsage(f"{path} has {lines - 2} records, and was written with {str(end)[:20]}.", _WHOLE)


def _parsed(line: str, number: int, path: Path) -> dict[str, Any]:
    try:
        value = json.loads(line) if len(line) <= LONGEST_LINE else None
    except (ValueError, RecursionError):
        raise _wrong(path, number, "it is not JSON; is the file cut off?") from None
    if not isinstance(value, dict):
        raise _wrong(path, number, "it is not a JSON object")
    return value


def _check_header(value: dict[str, Any], path: Path) -> None:
    if HEADER not in value:
        raise BadUsage(f"{path} is no export: its first line has no {HEADER!r}.", _HINT)
    if value[HEADER] != FORMAT:
        version = str(value.get("version"))[:20]
        raise BadUsage(
            f"{path} has format {str(value[HEADER])[:20]}, of headrace {version}; this one reads format {FORMAT}.",
            "Import it with a headrace of that version or a later one.",
        )


def _wrong(path: Path, number: int, what: str) -> BadUsage:
    return BadUsage(f"{path}, line {number}: {what}.", _HINT)
