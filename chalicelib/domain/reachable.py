"""At which address a caller can reach what is embedded beside the API."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?", re.ASCII)


def reachable(endpoint: str | None, host: str | None) -> str | None:
    """The endpoint under the host (a request's `Host`) by which the caller came here; as it is without one.

    The answer is the caller's own: who writes a wrong host gets a wrong address.
    """
    if endpoint is None or host is None or not _HOST.fullmatch(host):
        return endpoint
    return urlunsplit(urlsplit(endpoint)._replace(netloc=host))
