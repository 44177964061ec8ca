"""Bundles of code: kept in S3 under the SHA-256 of their bytes; the API only hands out addresses."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from chalicelib.dispatch.objects import Objects
from chalicelib.domain.errors import NotFound, TooLarge

if TYPE_CHECKING:  # the models are imported where they are made: the tick has this module, and needs none
    from headrace.contract.bundles import BundleDownload, BundleUpload


class Bundles:
    """Use cases of bundles."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def create(self, digest: str, size: int, host: str | None = None) -> BundleUpload:
        """Whether the bundle is there; if not, where to put it. S3 itself checks size and digest.

        `host` is the one by which the caller came here: an embedded S3 is told of under it.
        """
        from headrace.contract.bundles import BUNDLE_BYTES, BundleUpload

        if size > BUNDLE_BYTES:
            text = f"The bundle has {size} bytes; {BUNDLE_BYTES} are allowed."
            hint = "Name what the flow does not need in .headraceignore, or use the git code source."
            raise TooLarge(text, hint=hint)
        key = _key(digest)
        if self._objects.size(key) == size:
            return BundleUpload(digest=digest, exists=True)
        checksum = base64.b64encode(bytes.fromhex(digest.removeprefix("sha256:"))).decode()
        url, headers = self._objects.upload_url(key, size, checksum, host)
        return BundleUpload(digest=digest, exists=False, upload_url=url, headers=headers)

    def read(self, digest: str, host: str | None = None) -> BundleDownload:
        """Where to get the bundle."""
        from headrace.contract.bundles import BundleDownload

        key = _key(digest)
        size = self._objects.size(key)
        if size is None:
            raise NotFound(f"There is no bundle {digest}.", hint="Deploy again: that uploads the code.")
        url = self._objects.download_url(key, host)
        return BundleDownload(digest=digest, size=size, download_url=url)


def _key(digest: str) -> str:
    return f"bundles/{digest.removeprefix('sha256:')}.zip"
