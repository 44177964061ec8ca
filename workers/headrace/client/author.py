"""Who uses this client: written into the versions of deployments that it makes."""

from __future__ import annotations

import getpass
import os
import socket
from urllib.parse import quote


def author() -> str | None:
    """`HEADRACE_AUTHOR`, else the user and the machine as `ana@laptop`; percent-encoded, as a header takes it."""
    said = os.environ.get("HEADRACE_AUTHOR")
    if not said:
        try:
            said = f"{getpass.getuser()}@{socket.gethostname()}"
        except (OSError, KeyError, ImportError):  # a container's user may have no name
            return None
    return quote(said[:200], safe="@ ")
