"""Bundles: code packed into one file, kept under the SHA-256 of its bytes.

The bytes never pass through the API: it hands out addresses at which S3 takes and gives them.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from headrace.contract.base import Answer, Request, pattern

BUNDLE_BYTES = 100_000_000
"""A larger bundle is refused with 413."""

Digest = Annotated[
    str,
    StringConstraints(pattern=pattern(r"^sha256:[0-9a-f]{64}$", "must be sha256: and 64 digits from 0 to f")),
]
"""`sha256:` and 64 lower-case hexadecimal digits."""


class BundleCreate(Request):
    """`POST /bundles`."""

    digest: Digest
    size: int = Field(ge=1)


class BundleUpload(Answer):
    """Whether it is there already; if not, where to PUT it (soon), and with which headers."""

    digest: str
    exists: bool
    upload_url: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)


class BundleDownload(Answer):
    """`GET /bundles/{digest}`: where to GET it (soon)."""

    digest: str
    size: int
    download_url: str
