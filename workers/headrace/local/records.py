"""Records of a file: one line each, with a checksum in front, so that a torn or damaged one is noticed."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


class DataError(Exception):
    """The data directory cannot be used as it is. The message says which file, where, and what to do."""


@dataclass(frozen=True, slots=True)
class Torn:
    """The last record of a file was cut off in the middle of being written."""

    offset: int


def frame(payload: bytes) -> bytes:
    """A record as it stands in the file. The payload must hold no line feed (JSON text never does)."""
    return b"%08x %s\n" % (zlib.crc32(payload), payload)


def read(path: Path) -> Iterator[bytes | Torn]:
    """The payloads of a file, in order; a `Torn` in the place of a last record that is not whole.

    Raises:
        DataError: when a record is damaged and others follow it.
    """
    with path.open("rb") as file:
        offset = 0
        for line in file:
            payload = _payload(line)
            if payload is None and file.read(1):
                raise DataError(
                    f"{path} is damaged at byte {offset}: the record there does not match its checksum. "
                    "Restore the file from a backup, or cut it off at that byte to give up what follows."
                )
            yield Torn(offset) if payload is None else payload
            offset += len(line)


def _payload(line: bytes) -> bytes | None:
    if len(line) < 10 or line[-1:] != b"\n" or line[8:9] != b" ":
        return None
    payload = line[9:-1]
    return payload if line[:8] == b"%08x" % zlib.crc32(payload) else None
