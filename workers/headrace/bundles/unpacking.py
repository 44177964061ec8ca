"""Unpacks a bundle that may be hostile: nothing is written outside the folder, and not without end."""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

MAX_UNPACKED = 1_000_000_000
MAX_FILES = 50_000
MAX_LINK = 4096
CHUNK = 1 << 20


class UnpackError(Exception):
    """The bundle is damaged or not to be trusted; the message says what is wrong with it."""


def unpack(path: Path, folder: Path, *, max_bytes: int = MAX_UNPACKED, max_files: int = MAX_FILES) -> None:
    """Unpack into `folder`, which is made. After an error whatever is in it must not be used.

    Raises:
        UnpackError: It is no zip, is damaged, would write or lead outside, or is too large.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(path) as zipped:
            _unpack(zipped, folder.resolve(), max_bytes, max_files)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise UnpackError(f"a name in it is both a file and a folder: {error.filename}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:
        raise UnpackError(f"it is damaged: {error}") from error


def _unpack(zipped: zipfile.ZipFile, folder: Path, max_bytes: int, max_files: int) -> None:
    entries = zipped.infolist()
    if len(entries) > max_files:
        raise UnpackError(f"it holds {len(entries)} files; {max_files} are allowed")
    links: list[tuple[Path, str]] = []
    left = max_bytes
    for info in entries:
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise UnpackError(f"{info.filename!r} is compressed in a way that bundles are not")
        target = folder / _inside(info.filename)
        kind = stat.S_IFMT(info.external_attr >> 16)
        if info.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        elif kind == stat.S_IFLNK:
            links.append((target, _link(zipped, info)))
        elif kind in (0, stat.S_IFREG):
            left -= _file(zipped, info, target, left)
        else:
            raise UnpackError(f"{info.filename!r} is neither a file, a folder nor a link")
    _make_links(folder, links)


def _inside(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    odd = path.is_absolute() or ".." in path.parts or not path.parts
    if odd or "\\" in name or "\0" in name or (os.name == "nt" and ":" in name):
        raise UnpackError(f"the file name {name!r} leads out of the folder")
    return path


def _file(zipped: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, left: int) -> int:
    """Write one file; what counts is what comes out, not what the zip says of itself."""
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    try:
        with zipped.open(info) as source, target.open("xb") as out:
            while chunk := source.read(CHUNK):
                written += len(chunk)
                if written > left:
                    raise UnpackError("it unpacks to more than is allowed; is it a zip bomb?")
                out.write(chunk)
    except FileExistsError as error:
        raise UnpackError(f"the file name {info.filename!r} is in it twice") from error
    if (info.external_attr >> 16) & stat.S_IXUSR:
        target.chmod(0o755)
    return written


def _link(zipped: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    with zipped.open(info) as source:
        target = source.read(MAX_LINK + 1)
    text = target.decode()
    if len(target) > MAX_LINK or not text or PurePosixPath(text).is_absolute() or "\0" in text:
        raise UnpackError(f"the link {info.filename!r} leads out of the folder")
    return text


def _make_links(folder: Path, links: list[tuple[Path, str]]) -> None:
    """Last of all, so that no file is ever written through a link; then none may lead out."""
    made: list[Path] = []
    try:
        for path, target in links:
            _make_link(folder, path, target)
            made.append(path)
        _check_links(folder, made)
    except BaseException:
        for path in reversed(made):
            path.unlink(missing_ok=True)
        raise


def _make_link(folder: Path, path: Path, target: str) -> None:
    # Before any folder is made: one of those above it may be a link, which has not been checked yet.
    if not path.parent.resolve().is_relative_to(folder) or os.path.lexists(path):
        raise UnpackError(f"the link {path.name!r} stands in the way of another name")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def _check_links(folder: Path, links: list[Path]) -> None:
    for path in links:
        if not Path(os.path.realpath(path)).is_relative_to(folder):
            raise UnpackError(f"the link {path.name!r} leads out of the folder")
