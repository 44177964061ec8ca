"""Bytecode and zip, without anything that differs from one time or machine to the next."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from infra.errors import CloudError

IN_LAMBDA = "/var/task"
"""Where Lambda unpacks the zip (AWS): what tracebacks say."""
EPOCH = (1980, 1, 1, 0, 0, 0)


def compile_bytecode(folder: Path) -> None:
    """Compile each module. Python believes the result without looking at the source, whose date a zip loses.

    In an interpreter of its own with a fixed hash seed: then the same source gives the same bytes.
    """
    command = [sys.executable, "-m", "compileall", "-q", "-f", "-s", str(folder), "-p", IN_LAMBDA]
    command += ["--invalidation-mode", "unchecked-hash", str(folder)]
    environment = {"PYTHONHASHSEED": "0", "PATH": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CloudError(f"The package cannot be compiled: {done.stdout.strip()[-500:]}")


def zip_folder(folder: Path, target: Path) -> int:
    """Write all files, by name. Returns how many bytes they are when unpacked."""
    total = 0
    with ZipFile(target, "w", ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = ZipInfo(path.relative_to(folder).as_posix(), EPOCH)
            entry.compress_type = ZIP_DEFLATED
            entry.create_system = 3  # as on Unix, wherever it is packed
            entry.external_attr = 0o100644 << 16
            content = path.read_bytes()
            total += len(content)
            archive.writestr(entry, content)
    return total
