"""How a Lambda process comes to its use cases.

What every handler needs is imported with this module, so while Lambda starts the process, which has a whole
processor then: PynamoDB and botocore. The services follow at the first request or tick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import chalicelib.storage.table  # noqa: F401
from chalicelib import observability

if TYPE_CHECKING:
    from chalicelib.services.control_plane import ControlPlane

observability.configure()


def control_plane() -> ControlPlane:
    """The control plane of this process."""
    from chalicelib import wiring

    return wiring.control_plane()
