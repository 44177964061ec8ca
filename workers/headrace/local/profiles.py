"""The profile that makes other commands find this server."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

NAME = "local"


def write_profile(home: Path, api_url: str, api_key: str | None = None) -> bool:
    """Point the profile `local` here; make it the active one unless another was chosen.

    A key that the profile has stays, unless there is a new one.

    Returns:
        Whether `local` is the active profile now.
    """
    path = home / "profiles.json"
    document = _read(path)
    before = document["profiles"].get(NAME) or {}
    document["profiles"][NAME] = {"api_url": api_url, "api_key": api_key or before.get("api_key")}
    document["active"] = document.get("active") or NAME
    home.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(
        os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(json.dumps(document, indent=2) + "\n")  # readable by its owner alone: it may hold keys
    partial.replace(path)
    return bool(document["active"] == NAME)


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        document = {}
    if not isinstance(document, dict) or not isinstance(document.setdefault("profiles", {}), dict):
        raise ValueError(f"{path} is not a profile file")  # noqa: TRY004 - the file is wrong, not a type
    return document
