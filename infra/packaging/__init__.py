"""The Lambdas' zip: small, compiled, and the same bytes for the same input.

Of the libraries it has those of `requirements.txt` with all that they need, in the versions installed beside
headrace: what was tried here is what runs there. boto3 is left out, since nothing in Lambda uses more than
botocore; botocore is packed rather than taken from the runtime, so that no change of AWS's can change what runs.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.packaging.archive import compile_bytecode, zip_folder
from infra.packaging.libraries import closure, copy_libraries
from infra.packaging.sources import copy_sources

RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
"""Lambda runs what the operator runs: the bytecode and the compiled libraries are for this minor version."""


@dataclass(frozen=True, slots=True)
class Package:
    """A zip and what it is called by: its SHA-256 (hexadecimal). Sizes are in bytes."""

    path: Path
    digest: str
    zipped: int
    unzipped: int

    @property
    def key(self) -> str:
        """Its name in the stage's bucket: another content is another name."""
        return f"code/{self.digest}.zip"


def build(root: Path, target: Path) -> Package:
    """Pack the control plane at `root` into the file `target`.

    Raises:
        CloudError: A library is missing, or cannot be had for Lambda's platform.
    """
    with TemporaryDirectory(prefix="headrace-package-") as place:
        folder = Path(place)
        copy_libraries(closure(root / "requirements.txt"), folder)
        copy_sources(root, folder)
        compile_bytecode(folder)
        unzipped = zip_folder(folder, target)
    content = target.read_bytes()
    return Package(target, sha256(content).hexdigest(), len(content), unzipped)
