"""Where a keeper listens: a Unix socket, or loopback TCP where there is none; a token guards both.

`keeper.json` in the worker's state folder tells it to the worker: {"address": path or [host, port],
"token": ..., "pid": ...}. The file and the socket are readable by their owner alone.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import zlib
from pathlib import Path
from typing import Any

PATH_LIMIT = 100
"""A Unix socket's path has at most 104 bytes on macOS, 108 on Linux."""


def listen(folder: Path) -> tuple[socket.socket, dict[str, Any]]:
    """Open the socket and write `keeper.json`. The caller holds the folder's lock."""
    if sys.platform != "win32":
        path = _socket_path(folder)
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(path))
        path.chmod(0o600)
        address: Any = str(path)
    else:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.bind(("127.0.0.1", 0))
        address = list(listener.getsockname())
    listener.listen(4)
    listener.setblocking(False)
    card = {"address": address, "token": os.urandom(16).hex(), "pid": os.getpid()}
    _write_private(folder / "keeper.json", json.dumps(card))
    return listener, card


def connect(folder: Path) -> tuple[socket.socket, dict[str, Any]] | None:
    """Reach the keeper of this folder; `None` when there is none."""
    try:
        card: dict[str, Any] = json.loads((folder / "keeper.json").read_text(encoding="utf-8"))
        address = card["address"]
        unix = isinstance(address, str)
        family = socket.AF_UNIX if unix and sys.platform != "win32" else socket.AF_INET
        link = socket.socket(family, socket.SOCK_STREAM)
        try:
            link.connect(address if unix else tuple(address))
        except OSError:
            link.close()
            return None
    except (OSError, ValueError, KeyError, TypeError):
        # No file, or one cut short by a crash: nobody listens there.
        return None
    return link, card


def forget(folder: Path) -> None:
    """Remove what `listen` wrote."""
    (folder / "keeper.json").unlink(missing_ok=True)
    if sys.platform != "win32":
        _socket_path(folder).unlink(missing_ok=True)


def _socket_path(folder: Path) -> Path:
    """In the state folder; where that makes too long a path, in a private folder of the temporary one."""
    path = folder / "keeper.sock"
    if sys.platform == "win32" or len(os.fsencode(path)) <= PATH_LIMIT:
        return path
    # Not by way of tempfile, which would add a third to the keeper's size. The folder is checked below.
    private = Path(os.environ.get("TMPDIR") or "/tmp") / f"headrace-{os.getuid()}"  # noqa: S108
    private.mkdir(mode=0o700, exist_ok=True)
    if private.stat().st_uid != os.getuid() or private.is_symlink():
        raise PermissionError(f"{private} belongs to somebody else; set TMPDIR to a folder of your own")
    name = os.fsencode(folder)
    return private / f"{zlib.crc32(name):08x}{zlib.adler32(name):08x}{len(name):x}.sock"


def _write_private(path: Path, text: str) -> None:
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)
