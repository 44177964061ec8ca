"""The profile that makes other commands find this server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

NAME = "local"


def write_profile(home: Path, api_url: str) -> bool:
    """Point the profile `local` here; make it the active one unless another was chosen.

    Returns:
        Whether `local` is the active profile now.
    """
    path = home / "profiles.json"
    document = _read(path)
    document["profiles"][NAME] = {"api_url": api_url, "api_key": None}
    document["active"] = document.get("active") or NAME
    home.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    partial.chmod(0o600)  # the other profiles may hold keys
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
