"""The code source `pull_bundle`: a zip from the control plane's storage, verified and unpacked once."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from headrace.bundles import UnpackError, unpack
from headrace.client.errors import ApiError
from headrace.contract.base import Json
from headrace.worker.sources.errors import SourceError
from headrace.worker.sources.workshop import Job

CODE = "code"
"""The folder, in the cache's entry, that holds what was in the bundle."""


def pull_bundle(options: Json, job: Job) -> dict[str, object]:
    """Go to the folder that a bundle unpacks to."""
    digest, size = options.get("digest"), options.get("size")
    if not isinstance(digest, str) or not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        raise SourceError(f"`digest` is {digest!r:.100}; expected sha256: and 64 hexadecimal digits")

    def make(folder: Path) -> None:
        folder.mkdir(mode=0o700)
        zipped = folder / "bundle.zip"
        try:
            job.workshop.download(digest, zipped)
            _verify(zipped, digest, size)
            unpack(zipped, folder / CODE)
        except ApiError as error:
            raise SourceError(
                f"the bundle {digest} cannot be downloaded: {error.message}", hint=error.hint
            ) from error
        except UnpackError as error:
            raise SourceError(f"the bundle {digest} is not used: {error}", hint="Deploy again.") from error
        finally:
            zipped.unlink(missing_ok=True)

    name = digest.removeprefix("sha256:")
    job.folder = job.workshop.cache.get(f"bundles/{name}", job.key, make) / CODE
    job.brought = f"the bundle {digest}"
    return {"directory": str(job.folder)}


def _verify(path: Path, digest: str, size: object) -> None:
    if size is not None and path.stat().st_size != size:
        raise SourceError(
            f"the bundle {digest} has {path.stat().st_size} bytes instead of {size}", hint="Deploy again."
        )
    with path.open("rb") as file:
        found = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
    if found != digest:
        raise SourceError(f"the bundle {digest} has other bytes: {found}", hint="Deploy again.")
