"""What of a library is not needed in Lambda."""

from __future__ import annotations

from pathlib import Path

SERVICES = frozenset({"dynamodb", "s3", "sqs", "sts"})
"""The AWS services that the control plane calls; botocore describes 400, in 25 MB."""
FOLDERS = frozenset({"__pycache__", "tests", "test", "testing", "benchmarks"})
ENDINGS = frozenset({".pyc", ".pyi", ".typed", ".c", ".pyx", ".pxd", ".h", ".exe"})
UNUSED = (
    ("pydantic", "v1"),  # pydantic's old self, for those who have not moved
    ("pydantic", "mypy.py"),
    ("dateutil", "zoneinfo", "dateutil-zoneinfo.tar.gz"),  # time zones come from tzdata
)


def needed(inside: Path) -> bool:
    """Whether a file, by its place in the zip, is needed."""
    parts = inside.parts
    if inside.suffix in ENDINGS or not FOLDERS.isdisjoint(parts[:-1]):
        return False
    if parts[0].endswith((".dist-info", ".data", ".pth")):
        return False
    if any(parts[: len(unused)] == unused for unused in UNUSED):
        return False
    return parts[:2] != ("botocore", "data") or len(parts) == 3 or parts[2] in SERVICES
