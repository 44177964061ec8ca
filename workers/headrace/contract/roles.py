"""What a key may be for. Standard library only: the domain uses it too."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """The role of an API key; what each may do is `chalicelib/domain/access.py`."""

    ADMIN = "admin"
    DEPLOYER = "deployer"
    OPERATOR = "operator"
    VIEWER = "viewer"
    WORKER = "worker"
