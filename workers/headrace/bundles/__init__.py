"""Code as one file: a folder packed into a zip that is named by the SHA-256 of its bytes."""

from headrace.bundles.packing import MAX_BYTES, Bundle, PackError, pack
from headrace.bundles.unpacking import UnpackError, unpack

__all__ = ["MAX_BYTES", "Bundle", "PackError", "UnpackError", "pack", "unpack"]
