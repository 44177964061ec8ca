"""Packs a folder into a zip whose bytes depend on nothing but names, contents and executable bits."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from headrace.bundles.choosing import IGNORE_FILE, chosen

MAX_BYTES = 100_000_000
"""Bytes of a packed bundle; the API refuses larger ones, too."""
LONG_AGO = (1980, 1, 1, 0, 0, 0)
CHUNK = 1 << 20
SHOWN = 5


class PackError(Exception):
    """The folder cannot be packed; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A packed folder: the zip's path and size, `sha256:...` of its bytes, and the files in it."""

    path: Path
    digest: str
    size: int
    files: tuple[str, ...]


def pack(folder: Path, target: Path | None = None) -> Bundle:
    """Pack the code of a folder into `target` (default: a new temporary file, the caller's to delete).

    Raises:
        PackError: Nothing to pack, too much to pack, a link that leads out of the folder or to itself, or a file
            that cannot be read.
    """
    try:
        return _packed(folder, target)
    except OSError as error:
        name = f" {error.filename}" if error.filename else ""
        raise PackError(
            f"The folder cannot be packed:{name}: {error.strerror}. Make it readable, or name a file that the flow "
            f"does not need in {IGNORE_FILE}."
        ) from None


def _packed(folder: Path, target: Path | None) -> Bundle:
    folder = folder.resolve()
    if not folder.is_dir():
        raise PackError(f"{folder} is no folder; give the folder that holds the code.")
    names = chosen(folder)
    if not names:
        raise PackError(f"There is nothing to pack in {folder}: it is empty, or all of it is ignored.")
    path = target or _new_file()
    try:
        size = _write(folder, names, path)
        return Bundle(path, "sha256:" + _digest(path), size, tuple(names))
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _new_file() -> Path:
    handle, name = tempfile.mkstemp(prefix="headrace-", suffix=".zip")
    os.close(handle)
    return Path(name)


def _write(folder: Path, names: list[str], path: Path) -> int:
    with path.open("wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as zipped:
        for name in names:
            _add(zipped, folder, name)
            if file.tell() > MAX_BYTES:
                raise PackError(_too_large(folder, names))
    if (size := path.stat().st_size) > MAX_BYTES:
        raise PackError(_too_large(folder, names))
    return size


def _add(zipped: zipfile.ZipFile, folder: Path, name: str) -> None:
    source = folder / name
    mode = source.lstat().st_mode
    info = zipfile.ZipInfo(_text(name), LONG_AGO)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 3  # Unix, on every system: the modes below are Unix's
    if stat.S_ISLNK(mode):
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        zipped.writestr(info, _link(folder, source))
    elif stat.S_ISREG(mode):
        executable = bool(mode & stat.S_IXUSR) and os.name != "nt"
        info.external_attr = (stat.S_IFREG | (0o755 if executable else 0o644)) << 16
        with source.open("rb") as content, zipped.open(info, "w") as out:
            while chunk := content.read(CHUNK):
                out.write(chunk)
    else:
        raise PackError(f"{source} is neither a file nor a link; name it in {IGNORE_FILE}.")


def _text(name: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise PackError(
            f"The file name {name!r} is not UTF-8; rename it, or name it in {IGNORE_FILE}."
        ) from error
    if "\\" in name or "\r" in name or "\n" in name:
        raise PackError(f"The file name {name!r} cannot stand in a zip; rename it.")
    return name


def _link(folder: Path, source: Path) -> bytes:
    target = source.readlink()
    if _is_loop(source):
        raise PackError(f"{source} is a link that leads to itself; delete it, or name it in {IGNORE_FILE}.")
    if target.is_absolute() or not source.resolve().is_relative_to(folder):
        raise PackError(
            f"{source} is a link that leads out of the folder (to {target}); replace it by what it means, "
            f"or name it in {IGNORE_FILE}."
        )
    return target.as_posix().encode()


def _is_loop(link: Path) -> bool:
    try:
        link.stat()
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _too_large(folder: Path, names: list[str]) -> str:
    sizes = sorted(((folder / name).lstat().st_size, name) for name in names)[: -SHOWN - 1 : -1]
    largest = ", ".join(f"{name} ({size / 1e6:.1f} MB)" for size, name in sizes)
    return (
        f"The bundle would be larger than {MAX_BYTES // 1_000_000} MB. Largest files: {largest}. "
        f"Name what the flow does not need in {IGNORE_FILE}, or use the git code source."
    )
