"""Makes names last: a file whose bytes are on disk is lost with the power as long as its name is not there too."""

from __future__ import annotations

import os
from pathlib import Path


def sync_names(directory: Path) -> None:
    """Have what was made, renamed or removed in a folder on disk before going on. Raises OSError."""
    if os.name == "nt":  # which has no such call, and orders its directories itself
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
