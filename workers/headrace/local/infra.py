"""The door to what deploys the control plane: `infra.cloud`, beside the control plane's own code."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from headrace.local.control_plane import control_plane_root
from headrace.local.errors import StartError


def cloud() -> Any:
    """The module `infra.cloud`.

    Raises:
        StartError: A package that deploying needs is not installed.
    """
    root = str(control_plane_root())
    if root not in sys.path:
        sys.path.insert(0, root)
    try:
        return importlib.import_module("infra.cloud")
    except ModuleNotFoundError as error:
        raise StartError(
            f"This installation cannot deploy: the package {error.name!r} is missing.",
            "Install it with: pip install 'headrace[aws]'",
        ) from error
