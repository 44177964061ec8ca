"""The Lambdas' zip, packed as `headrace cloud up` packs it: how large it is.

What is in it is run by others (`cold_start.py`, `tests/aws`) in an interpreter that has nothing else: isolated,
without site-packages, and without writing bytecode, as Lambda's folder cannot be written to.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile

from benchmarks.rows import Row, run_alone
from infra.packaging import build

ROOT = Path(__file__).resolve().parent.parent
MEGABYTE = 1_000_000
ENVIRONMENT = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}


def command(folder: Path, code: str, *options: str) -> list[str]:
    """An interpreter that runs code with the folder's modules and Python's own, and no others."""
    start = f"import sys; sys.path.insert(0, {str(folder)!r})\n"
    return [sys.executable, "-I", "-S", "-B", *options, "-c", start + code]


@contextmanager
def unpacked() -> Iterator[Path]:
    """The folder that Lambda would run."""
    with TemporaryDirectory(prefix="headrace-package-") as place:
        folder = Path(place)
        with ZipFile(build(ROOT, folder / "code.zip").path) as archive:
            archive.extractall(folder / "task")
        yield folder / "task"


def measure(options: Any) -> list[Row]:
    """The rows of this benchmark."""
    with TemporaryDirectory(prefix="headrace-package-") as place:
        made = build(ROOT, Path(place) / "code.zip")
    return [
        Row("Lambda package, zipped", made.zipped / MEGABYTE, "MB", 20),
        Row("Lambda package, unpacked (Lambda takes 250)", made.unzipped / MEGABYTE, "MB", 250),
    ]


if __name__ == "__main__":
    run_alone(__doc__, measure)
