"""Writes what was planned: all of it or nothing, and never over a file that is there unless told so."""

from __future__ import annotations

import os
import pwd
import tempfile
from pathlib import Path

from headrace.cli.errors import CliError
from headrace.cli.installing.service import File, Plan, completed, merged


def write(plan: Plan, *, force: bool) -> None:
    """Write the files of a plan.

    Raises:
        CliError: One is there already, the folder cannot be written to, or there is no such user; nothing was
            changed.
    """
    for file in plan.files:
        if os.path.lexists(file.path) and not (force or file.shared):
            raise CliError(
                f"{file.path} is there already.",
                "Replace it with --force (of an environment file, only Headrace's own lines are), or give "
                "the worker another --name.",
            )
    owners = [_owner(file) for file in plan.files]
    made: list[tuple[Path, Path]] = []
    try:
        for file, owner in zip(plan.files, owners, strict=True):
            made.append((_beside(file), file.path))
            if owner is not None:
                os.chown(made[-1][0], owner, -1)
        for new, path in made:
            new.replace(path)
    except OSError as error:
        raise CliError(
            f"{error.filename or plan.files[0].path} cannot be written: {error.strerror}.",
            "Write to another folder with --output-dir, or run it as a user who may (sudo).",
        ) from error
    finally:
        for new, _ in made:
            new.unlink(missing_ok=True)


def _owner(file: File) -> int | None:
    """The user to give the file to; None if it stays the writer's."""
    if file.owner is None or os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(file.owner).pw_uid
    except KeyError:
        raise CliError(f"There is no user {file.owner!r} here.", "Name another with --run-as.") from None


def _beside(file: File) -> Path:
    """The whole file next to where it will be, with its mode from the first byte on."""
    text = file.text
    if (file.environment or file.shared) and file.path.is_file():
        old = file.path.read_text(encoding="utf-8", errors="surrogateescape")
        text = merged(text, old) if file.environment else completed(text, old)
    file.path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.path.parent, prefix=f".{file.path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as out:
        out.write(text)
    new = Path(name)
    new.chmod(file.mode)
    return new
