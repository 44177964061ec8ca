"""Our own part of the zip, and the two files of Chalice that run in Lambda."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "*.pyi", "py.typed", ".*")


def copy_sources(root: Path, folder: Path) -> None:
    """Copy our own part, and Chalice's runtime."""
    copy_own(root, folder)
    (folder / "chalice").mkdir()
    for name in ("__init__.py", "app.py"):
        shutil.copyfile(_home("chalice") / name, folder / "chalice" / name)


def copy_own(root: Path, folder: Path) -> None:
    """Copy `app.py`, `chalicelib`, and the contract."""
    shutil.copyfile(root / "app.py", folder / "app.py")
    shutil.copytree(root / "chalicelib", folder / "chalicelib", ignore=LEFT_OUT)
    headrace = _home("headrace")
    shutil.copytree(headrace / "contract", folder / "headrace" / "contract", ignore=LEFT_OUT)
    shutil.copyfile(headrace / "__init__.py", folder / "headrace" / "__init__.py")


def _home(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise LookupError(package)
    return Path(spec.origin).parent
