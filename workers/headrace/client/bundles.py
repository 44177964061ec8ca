"""Bundles: code packed into one file, uploaded to and downloaded from S3 at addresses that the API gives."""

from __future__ import annotations

import hashlib
from pathlib import Path

from headrace.client.errors import Unreachable
from headrace.client.resource import Resource, at
from headrace.client.storage import ATTEMPTS, check, storage
from headrace.contract.bundles import BundleCreate, BundleDownload, BundleUpload


class Bundles(Resource):
    """`/bundles`."""

    def create(self, body: BundleCreate) -> BundleUpload:
        """Whether the bundle is there; if not, the address to upload it to."""
        made: BundleUpload = self._post(BundleUpload, "/bundles", body, safe=True)
        return made

    def read(self, digest: str) -> BundleDownload:
        """The address to download a bundle from."""
        return self._get(BundleDownload, at("bundles", digest))

    def upload(self, path: Path, digest: str | None = None) -> bool:
        """Upload a packed bundle unless it is there already; gives whether bytes were sent.

        Raises:
            ApiError: The API or S3 refuses it, or does not answer.
        """
        if digest is None:
            with path.open("rb") as file:
                digest = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
        wanted = self.create(BundleCreate(digest=digest, size=path.stat().st_size))
        if wanted.exists or wanted.upload_url is None:
            return False
        for left in reversed(range(ATTEMPTS)):
            try:
                self._put(wanted.upload_url, wanted.headers, path)
                break
            except Unreachable:
                if not left:
                    raise
        return True

    def download(self, digest: str, target: Path) -> None:
        """Download a bundle into a file. Nothing is verified here.

        Raises:
            ApiError: There is no such bundle, or no answer.
        """
        for left in reversed(range(ATTEMPTS)):
            try:
                self._fetch(self.read(digest).download_url, target)
                break
            except Unreachable:
                if not left:
                    raise

    def _put(self, url: str, headers: dict[str, str], path: Path) -> None:
        # The length is stated: S3 takes no chunked body at a signed address.
        with storage(url) as http, path.open("rb") as file:
            length = {"Content-Length": str(path.stat().st_size)}
            check(http.put(url, content=file, headers={**headers, **length}))

    def _fetch(self, url: str, target: Path) -> None:
        with storage(url) as http, http.stream("GET", url) as answer:
            if not answer.is_success:
                answer.read()
            check(answer)
            with target.open("wb") as file:
                for chunk in answer.iter_bytes():
                    file.write(chunk)
